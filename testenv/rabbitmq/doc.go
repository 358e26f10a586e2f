// Package rabbitmq tests portside with a real RabbitMQ: plugins that are enabled and
// disabled at run time open and close its listeners, and their ports come and go in the
// container and in a Service.
//
// It needs Debian's package rabbitmq-server, so its tests have the build tag rabbitmq,
// which make test-rabbitmq sets. They do not need root. The broker listens at loopback
// addresses alone, on ports and with folders of its own, and ends with the test.
package rabbitmq
