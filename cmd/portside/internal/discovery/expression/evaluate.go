package expression

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/interpreter"
)

const (
	// MaxElements is how many elements the result may have, identical ones included.
	MaxElements = 4096
	// MaxResultBytes is how long the result may be as JSON, in bytes.
	MaxResultBytes = 128 << 10
	// maxCost is how much an evaluation may cost. That of a server with a hundred
	// listeners costs some thousand.
	maxCost = 100_000
	// maxEvaluations is how many evaluations run at once: each may take some ten MiB.
	maxEvaluations = 4
	// interruptEvery is after how many elements of a list an evaluation checks whether
	// its context has ended.
	interruptEvery = 64
)

// places are taken by the evaluations that run.
var places = make(chan struct{}, maxEvaluations)

// ErrTooExpensive is the error of an evaluation that exceeds its bounds.
var ErrTooExpensive = errors.New("the expression exceeds its cost limit for this answer")

// Evaluate maps an answer in JSON to a list of adapters in JSON, whose elements have the
// fields that are named and no others. Whole numbers are integers, however they are
// written. Its errors may quote the answer; [ErrTooExpensive] does not.
func (p *Program) Evaluate(ctx context.Context, answer []byte, fields ...string) ([]byte, error) {
	select {
	case places <- struct{}{}:
		defer func() { <-places }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	self, err := decode(answer)
	if err != nil {
		return nil, err
	}
	m := &meter{left: maxWeight}
	program, err := p.env.Program(p.ast, cel.EvalOptions(cel.OptTrackCost), cel.CostTracking(m), cel.CostLimit(maxCost),
		cel.CustomDecoratorV2(m.decorate), cel.InterruptCheckFrequency(interruptEvery))
	if err != nil {
		return nil, fmt.Errorf("cannot plan the expression: %w", err)
	}
	result, _, err := program.ContextEval(ctx, map[string]any{answerVariable: self})
	if canceled, is := errors.AsType[interpreter.EvalCancelledError](err); is && canceled.Cause == interpreter.CostLimitExceeded {
		return nil, ErrTooExpensive
	}
	if err != nil {
		return nil, err
	}
	return encode(result, fields)
}

// decode decodes JSON with whole numbers as integers.
func decode(data []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	return withNumbers(value)
}

// withNumbers replaces the numbers of a decoded value.
func withNumbers(value any) (_ any, err error) {
	switch value := value.(type) {
	case json.Number:
		return number(value)
	case map[string]any:
		for key, of := range value {
			if value[key], err = withNumbers(of); err != nil {
				return nil, err
			}
		}
	case []any:
		for i, of := range value {
			if value[i], err = withNumbers(of); err != nil {
				return nil, err
			}
		}
	}
	return value, nil
}

// number returns an int64 for a whole number that fits, and else a float64.
func number(n json.Number) (any, error) {
	if whole, err := n.Int64(); err == nil {
		return whole, nil
	}
	fraction, err := n.Float64()
	if err != nil {
		return nil, fmt.Errorf("a number is too large: %w", err)
	}
	if whole, is := wholeOf(fraction); is {
		return whole, nil
	}
	return fraction, nil
}

// wholeOf returns a float64 as an int64 if it is whole, and small enough to be exact.
func wholeOf(f float64) (int64, bool) {
	const exact = 1 << 53
	return int64(f), f == math.Trunc(f) && math.Abs(f) <= exact
}

// encode encodes the fields of a list of objects as JSON.
func encode(result ref.Val, fields []string) ([]byte, error) {
	list, is := result.(traits.Lister)
	if !is {
		return nil, fmt.Errorf("the result must be a list of objects, not %s", result.Type().TypeName())
	}
	out := []byte{'['}
	number := 0
	for elements := list.Iterator(); elements.HasNext() == types.True; number++ {
		if number == MaxElements {
			return nil, fmt.Errorf("the result has more than %d elements", MaxElements)
		}
		if number > 0 {
			out = append(out, ',')
		}
		element, err := encodeElement(elements.Next(), fields)
		if err != nil {
			return nil, fmt.Errorf("element %d of the result: %w", number, err)
		}
		if out = append(out, element...); len(out) >= MaxResultBytes {
			return nil, fmt.Errorf("the result is longer than %d bytes", MaxResultBytes)
		}
	}
	return append(out, ']'), nil
}

func encodeElement(element ref.Val, fields []string) ([]byte, error) {
	object, is := element.(traits.Mapper)
	if !is {
		return nil, fmt.Errorf("must be an object, not %s", element.Type().TypeName())
	}
	values := map[string]any{}
	for _, name := range fields {
		value, found := object.Find(types.String(name))
		if !found {
			continue
		}
		native, err := nativeOf(value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		values[name] = native
	}
	return json.Marshal(values)
}

// nativeOf returns the value of a field, none of which is a list or an object.
func nativeOf(value ref.Val) (any, error) {
	switch value := value.(type) {
	case types.String:
		if len(value) > MaxResultBytes {
			return nil, fmt.Errorf("is longer than %d bytes", MaxResultBytes)
		}
		return string(value), nil
	case types.Double:
		if whole, is := wholeOf(float64(value)); is {
			return whole, nil
		}
		return float64(value), nil
	case types.Int, types.Uint, types.Bool:
		return value.Value(), nil
	case types.Null:
		return nil, nil
	default:
		return nil, fmt.Errorf("must not be %s", value.Type().TypeName())
	}
}
