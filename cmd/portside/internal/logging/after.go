package logging

import (
	"slices"

	"github.com/go-logr/logr"
)

// quietVerbosity is that of errors after the stop, above the default of a
// service.
const quietVerbosity = 2

// QuietAfter returns a logger that, once stopped is closed, writes errors as
// info at verbosity 2. What fails while a process stops needs no action: a
// request that is cancelled, or the leader election, whose end
// controller-runtime reports as an error of every clean stop.
func QuietAfter(stopped <-chan struct{}, log logr.Logger) logr.Logger {
	if log.GetSink() == nil {
		return log // it writes nothing
	}
	return log.WithSink(quietAfter{log.GetSink(), stopped})
}

type quietAfter struct {
	logr.LogSink
	stopped <-chan struct{}
}

// Error implements [logr.LogSink].
func (s quietAfter) Error(err error, message string, values ...any) {
	select {
	case <-s.stopped:
		if s.Enabled(quietVerbosity) {
			s.Info(quietVerbosity, message, append(slices.Clip(values), "error", err)...)
		}
	default:
		s.LogSink.Error(err, message, values...)
	}
}

// WithValues implements [logr.LogSink].
func (s quietAfter) WithValues(values ...any) logr.LogSink {
	return quietAfter{s.LogSink.WithValues(values...), s.stopped}
}

// WithName implements [logr.LogSink].
func (s quietAfter) WithName(name string) logr.LogSink {
	return quietAfter{s.LogSink.WithName(name), s.stopped}
}
