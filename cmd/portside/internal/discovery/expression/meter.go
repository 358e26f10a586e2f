package expression

import (
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/interpreter"
	"k8s.io/apiserver/pkg/cel/library"
)

// maxWeight is how many parts the values that an evaluation builds or compares may have
// together. An answer of 128 KiB has at most half as many.
const maxWeight = 1 << 17

// textWeight is how many bytes of a text weigh as much as a value.
const textWeight = 32

// meter stops an evaluation that builds or compares too much. Each evaluation has its
// own.
type meter struct {
	library.CostEstimator
	left int
}

// CallCost implements [interpreter.ActualCostEstimator]. It charges for what a call adds
// to a list or a text, and for what it compares.
func (m *meter) CallCost(function, overload string, args []ref.Val, result ref.Val) *uint64 {
	switch function {
	case operators.Add:
		m.charge(args[1])
	case operators.Equals, operators.NotEquals, operators.In:
		m.charge(args[0])
		m.charge(args[1])
	}
	return m.CostEstimator.CallCost(function, overload, args, result)
}

// decorate charges for each list and object that an expression writes out.
func (m *meter) decorate(i interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	if constructor, is := i.(interpreter.InterpretableConstructor); is {
		return metered{constructor, m}, nil
	}
	return i, nil
}

// metered is a list or an object that an expression writes out.
type metered struct {
	interpreter.InterpretableConstructor
	meter *meter
}

// Exec implements [interpreter.InterpretableV2].
func (c metered) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	value := c.InterpretableConstructor.Exec(frame)
	c.meter.charge(value)
	return value
}

// Eval implements [interpreter.Interpretable].
func (c metered) Eval(vars interpreter.Activation) ref.Val {
	value := c.InterpretableConstructor.Eval(vars)
	c.meter.charge(value)
	return value
}

// charge takes the weight of a value from what is left: each part counts as often as it
// occurs. It ends the evaluation, as cel-go does at the cost limit, once nothing is left.
func (m *meter) charge(value ref.Val) {
	if m.left--; m.left < 0 {
		panic(interpreter.EvalCancelledError{Cause: interpreter.CostLimitExceeded, Message: "too many values"})
	}
	switch value := value.(type) {
	case types.String:
		m.left -= len(value) / textWeight
	case types.Bytes:
		m.left -= len(value) / textWeight
	case *types.Optional:
		if value.HasValue() {
			m.charge(value.GetValue())
		}
	case traits.Mapper:
		for keys := value.Iterator(); keys.HasNext() == types.True; {
			key := keys.Next()
			m.charge(key)
			m.charge(value.Get(key))
		}
	case traits.Lister:
		for elements := value.Iterator(); elements.HasNext() == types.True; {
			m.charge(elements.Next())
		}
	}
}
