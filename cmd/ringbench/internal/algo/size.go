package algo

import (
	"reflect"
	"unsafe"
)

// deepSize returns the bytes that v holds, following pointers, slices, strings
// and maps; what is reachable twice counts once. It does not depend on the state
// of the garbage collector, so it is the same in every run.
func deepSize(v any) int {
	s := sizer{seen: make(map[unsafe.Pointer]bool)}
	value := reflect.ValueOf(v)
	if value.Kind() == reflect.Pointer {
		return s.beyond(value)
	}
	return int(value.Type().Size()) + s.beyond(value)
}

type sizer struct {
	seen map[unsafe.Pointer]bool
}

// first reports whether p is met for the first time.
func (s *sizer) first(p unsafe.Pointer) bool {
	if p == nil || s.seen[p] {
		return false
	}
	s.seen[p] = true
	return true
}

// beyond returns the bytes reachable from v that are not part of v itself.
func (s *sizer) beyond(v reflect.Value) int {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() || !s.first(v.UnsafePointer()) {
			return 0
		}
		return int(v.Type().Elem().Size()) + s.beyond(v.Elem())
	case reflect.Interface:
		if v.IsNil() {
			return 0
		}
		return s.beyond(v.Elem())
	case reflect.String:
		return v.Len()
	case reflect.Slice:
		if v.IsNil() || !s.first(v.UnsafePointer()) {
			return 0
		}
		return v.Cap()*int(v.Type().Elem().Size()) + s.elements(v)
	case reflect.Array:
		return s.elements(v)
	case reflect.Struct:
		size := 0
		for i := range v.NumField() {
			size += s.beyond(v.Field(i))
		}
		return size
	case reflect.Map:
		return s.mapped(v)
	default:
		return 0
	}
}

func (s *sizer) elements(v reflect.Value) int {
	if !holdsPointers(v.Type().Elem()) {
		return 0
	}
	size := 0
	for i := range v.Len() {
		size += s.beyond(v.Index(i))
	}
	return size
}

// mapped counts the entries of a map, with a control byte each, at the load
// that the runtime's tables have on average (about 3/4).
func (s *sizer) mapped(v reflect.Value) int {
	entry := int(v.Type().Key().Size()+v.Type().Elem().Size()) + 1
	size := v.Len() * entry * 4 / 3
	for it := v.MapRange(); it.Next(); {
		size += s.beyond(it.Key()) + s.beyond(it.Value())
	}
	return size
}

func holdsPointers(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.String, reflect.Slice, reflect.Map:
		return true
	case reflect.Array:
		return holdsPointers(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if holdsPointers(t.Field(i).Type) {
				return true
			}
		}
	}
	return false
}
