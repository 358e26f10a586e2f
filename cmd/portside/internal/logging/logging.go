// Package logging makes the logger of a command: zap behind logr, so that
// client-go and portside write one log, to stderr.
package logging

import (
	"fmt"
	"io"

	"github.com/go-logr/logr"
	"github.com/go-logr/zapr"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Format is the format of the lines of the log.
type Format string

// The formats.
const (
	Text Format = "text"
	JSON Format = "json"
)

// Formats lists them.
var Formats = []string{string(Text), string(JSON)}

// MaxVerbosity is the most that -v asks for; client-go has nothing beyond.
const MaxVerbosity = 10

// New makes a logger that writes lines up to a verbosity: 1 is what portside
// does, 6 the requests, 8 and more their content. At 0 nothing is written, not
// even errors: what a user must know is an error of the command, and what
// client-go calls an error it often tries again.
func New(w io.Writer, format Format, verbosity int) (logr.Logger, error) {
	if verbosity < 0 || verbosity > MaxVerbosity {
		return logr.Discard(), fmt.Errorf("-v %d is not within 0 to %d", verbosity, MaxVerbosity)
	}
	if verbosity == 0 {
		return logr.Discard(), nil
	}
	level := zapcore.Level(-verbosity) //nolint:gosec // G115: checked above.
	core := zapcore.NewCore(encoder(format), zapcore.Lock(zapcore.AddSync(w)), level)
	return zapr.NewLogger(zap.New(core)), nil
}

func encoder(format Format) zapcore.Encoder {
	config := zapcore.EncoderConfig{
		TimeKey:        "time",
		LevelKey:       "level",
		MessageKey:     "msg",
		EncodeTime:     zapcore.RFC3339NanoTimeEncoder,
		EncodeDuration: zapcore.StringDurationEncoder,
		EncodeLevel:    encodeLevel,
	}
	if format == JSON {
		return zapcore.NewJSONEncoder(config)
	}
	config.EncodeTime = zapcore.TimeEncoderOfLayout(textTime)
	config.ConsoleSeparator = " "
	return zapcore.NewConsoleEncoder(config)
}

// textTime is ISO 8601 with milliseconds and zone.
const textTime = "2006-01-02T15:04:05.000Z07:00"

// encodeLevel writes every verbosity as info, which is what logr means by it.
func encodeLevel(l zapcore.Level, out zapcore.PrimitiveArrayEncoder) {
	out.AppendString(max(l, zapcore.InfoLevel).String())
}
