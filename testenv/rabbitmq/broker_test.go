//go:build rabbitmq

package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/portside-dev/portside/testenv"
)

// programs is the folder of RabbitMQ's scripts in Debian. Those in the PATH change the
// user.
const programs = "/usr/lib/rabbitmq/bin"

// broker is a node of RabbitMQ at a loopback address, which can be stopped and started.
type broker struct {
	t      *testing.T
	folder string
	ports  map[string]int // by protocol, also http (management), clustering and epmd
	server *exec.Cmd      // nil while it is stopped
}

// startBroker starts a broker with the management plugin, until the test ends.
func startBroker(t *testing.T) *broker {
	t.Helper()
	if _, err := os.Stat(filepath.Join(programs, "rabbitmq-server")); err != nil {
		t.Fatalf("cannot run RabbitMQ: %v; run apt-get install rabbitmq-server", err)
	}
	b := &broker{t: t, folder: t.TempDir(), ports: map[string]int{}}
	var held []net.Listener
	for _, name := range []string{"amqp", "mqtt", "stomp", "http", "clustering", "epmd"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		held, b.ports[name] = append(held, l), l.Addr().(*net.TCPAddr).Port
	}
	for _, l := range held {
		_ = l.Close()
	}
	b.write("rabbitmq.conf", fmt.Sprintf(`listeners.tcp.1 = 127.0.0.1:%d
mqtt.listeners.tcp.1 = 127.0.0.1:%d
stomp.listeners.tcp.1 = 127.0.0.1:%d
management.tcp.ip = 127.0.0.1
management.tcp.port = %d
`, b.ports["amqp"], b.ports["mqtt"], b.ports["stomp"], b.ports["http"]))
	b.write("advanced.config", "[{kernel, [{inet_dist_use_interface, {127,0,0,1}}]}].\n")
	b.write("enabled_plugins", "[rabbitmq_management].\n")
	// Erlang would leave the daemon running that it starts by itself.
	epmd := b.command("epmd", "-address", "127.0.0.1", "-port", fmt.Sprint(b.ports["epmd"]))
	b.begin(epmd)
	t.Cleanup(func() { end(t, epmd) })
	t.Cleanup(b.stop)
	b.start()
	return b
}

func (b *broker) write(name, content string) {
	b.t.Helper()
	if err := os.WriteFile(filepath.Join(b.folder, name), []byte(content), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// command returns a command of this broker with an environment of its own, whose output
// goes to the log.
func (b *broker) command(program string, args ...string) *exec.Cmd {
	command := exec.Command(program, args...)
	in := func(name string) string { return filepath.Join(b.folder, name) }
	command.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + b.folder, "LANG=C.UTF-8", // the cookie of Erlang is in HOME
		fmt.Sprint("ERL_EPMD_PORT=", b.ports["epmd"]), "ERL_EPMD_ADDRESS=127.0.0.1",
		"RABBITMQ_NODENAME=portside@localhost", "RABBITMQ_CONF_ENV_FILE=/dev/null",
		"RABBITMQ_CONFIG_FILE=" + in("rabbitmq.conf"), "RABBITMQ_ADVANCED_CONFIG_FILE=" + in("advanced.config"),
		"RABBITMQ_ENABLED_PLUGINS_FILE=" + in("enabled_plugins"), "RABBITMQ_MNESIA_BASE=" + in("data"),
		"RABBITMQ_LOG_BASE=" + in("log"), "RABBITMQ_PID_FILE=" + in("pid"),
		fmt.Sprint("RABBITMQ_DIST_PORT=", b.ports["clustering"]),
	}
	return command
}

// begin starts a command in a process group of its own.
func (b *broker) begin(command *exec.Cmd) {
	b.t.Helper()
	log, err := os.OpenFile(filepath.Join(b.folder, "output"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		b.t.Fatal(err)
	}
	defer log.Close() // the child has its own copy of the descriptor
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		b.t.Fatal(err)
	}
}

// end ends a process and those of its group, and waits for it.
func end(t *testing.T, command *exec.Cmd) {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	_ = syscall.Kill(command.Process.Pid, syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Errorf("%s does not end", command.Path)
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
		<-ended
	}
	_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) // helpers that a script started
}

// start starts the broker and waits until it lists its listeners.
func (b *broker) start() {
	b.t.Helper()
	b.server = b.command(filepath.Join(programs, "rabbitmq-server"))
	b.begin(b.server)
	b.t.Cleanup(func() {
		if output, err := os.ReadFile(filepath.Join(b.folder, "output")); b.t.Failed() && err == nil {
			b.t.Logf("RabbitMQ:\n%s", output)
		}
	})
	testenv.Eventually(b.t, "RabbitMQ to answer", func(ctx context.Context) error {
		return b.request(ctx, http.MethodGet, "/api/overview", "")
	})
}

// stop stops the broker, as a kubelet does.
func (b *broker) stop() {
	b.t.Helper()
	if b.server != nil {
		end(b.t, b.server)
		b.server = nil
	}
}

// plugins runs rabbitmq-plugins, such as enable rabbitmq_mqtt.
func (b *broker) plugins(args ...string) {
	b.t.Helper()
	if output, err := b.command(filepath.Join(programs, "rabbitmq-plugins"), args...).CombinedOutput(); err != nil {
		b.t.Fatalf("rabbitmq-plugins %s: %v\n%s", strings.Join(args, " "), err, output)
	}
}

// user creates a user who may read the management API and nothing else.
func (b *broker) user(name, password string) {
	b.t.Helper()
	body := fmt.Sprintf(`{"password": %q, "tags": "monitoring"}`, password)
	if err := b.request(b.t.Context(), http.MethodPut, "/api/users/"+name, body); err != nil {
		b.t.Fatal(err)
	}
}

// request sends a request to the management API as the user that a new broker has.
func (b *broker) request(ctx context.Context, method, path, body string) error {
	r, err := http.NewRequestWithContext(ctx, method, b.url()+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.SetBasicAuth("guest", "guest")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= http.StatusBadRequest {
		return errors.New(response.Status)
	}
	return nil
}

func (b *broker) url() string { return fmt.Sprint("http://127.0.0.1:", b.ports["http"]) }

// pods are servers for pods that hand each request on to the broker, and close the
// connection while it is stopped.
func (b *broker) pods() testenv.PodServer {
	target, err := url.Parse(b.url())
	if err != nil {
		b.t.Fatal(err)
	}
	forward := &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	return testenv.PodServer{Port: 15672, Handler: func(*corev1.Pod) http.Handler { return forward }}
}
