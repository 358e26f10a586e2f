// Package request writes to stored AdapterSets what asks the service for something: to
// reconcile now, to stop and to start. It writes with the permissions of its user, under
// the field manager portside-cli.
package request
