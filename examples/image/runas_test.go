package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// runAs runs the entrypoint of an image as a runtime does: the folder is its
// root, and the numeric user that the image names its user. Who is not root
// makes a user namespace for it, as a rootless runtime does.
func runAs(t *testing.T, root string, config v1.Config, args ...string) (string, error) {
	t.Helper()
	var uid, gid int
	if _, err := fmt.Sscanf(config.User, "%d:%d", &uid, &gid); err != nil || uid == 0 || gid == 0 {
		t.Fatalf("the user %q is not two numbers other than 0: %v", config.User, err)
	}
	args = append(config.Entrypoint[1:], args...)
	cmd := exec.CommandContext(t.Context(), config.Entrypoint[0], args...)
	cmd.Env, cmd.Dir = config.Env, config.WorkingDir
	if cmd.Env == nil {
		cmd.Env = []string{} // nil would be this process's
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Chroot:     root,
		Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), NoSetGroups: true},
	}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}
