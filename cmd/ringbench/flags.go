package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/cli"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/keys"
)

// Annotations of flags, which [env.configure] reads.
const (
	// annotateOwn marks a flag that means something else in every command, so
	// that no value for all commands may set it.
	annotateOwn = "ringbench_own"
	// annotateWith names the flag without which a flag does nothing.
	annotateWith = "ringbench_with"
	// annotateInstead names the flags of which one may be given.
	annotateInstead = "ringbench_instead"
)

// annotate marks flags that the command has, so it cannot fail.
func annotate(cmd *cobra.Command, annotation, value string, names ...string) {
	for _, name := range names {
		_ = cmd.Flags().SetAnnotation(name, annotation, strings.Fields(value))
	}
}

// A checkedValue refuses what its command cannot use when it is set, not later,
// so that it is known where the value came from.
type checkedValue struct {
	pflag.Value
	read func(text string) (string, error) // returns how Value writes it
}

// Set sets the flag.
func (c *checkedValue) Set(text string) error {
	plain, err := c.read(text)
	if err != nil {
		return err
	}
	return c.Value.Set(plain)
}

// check lets a flag take only what read accepts, and sets it to what read
// returns.
func check(flags *pflag.FlagSet, name string, read func(text string) (string, error)) {
	f := flags.Lookup(name)
	f.Value = &checkedValue{f.Value, read}
}

// checkRange bounds a whole number.
func checkRange(flags *pflag.FlagSet, name string, least, most int) {
	check(flags, name, func(text string) (string, error) {
		plain, err := wholeNumber(text)
		if err != nil {
			return "", err
		}
		if n, err := strconv.Atoi(plain); err != nil || n < least || n > most {
			return "", fmt.Errorf("use %s", rangeText(least, most))
		}
		return plain, nil
	})
}

func rangeText(least, most int) string {
	if most == math.MaxInt {
		return fmt.Sprintf("%d or more", least)
	}
	return fmt.Sprintf("%d to %d", least, most)
}

// checkNumbers lets a flag hold counts separated by commas.
func checkNumbers(flags *pflag.FlagSet, name string, most int64) {
	check(flags, name, func(text string) (string, error) {
		_, err := numbers(strings.Split(text, ","), most)
		return text, err
	})
}

// checkNumber lets a flag hold one count.
func checkNumber(flags *pflag.FlagSet, name string, most int64) {
	check(flags, name, func(text string) (string, error) {
		_, err := numbers([]string{text}, most)
		return text, err
	})
}

// checkChoice lets a flag be one of a few words.
func checkChoice(flags *pflag.FlagSet, name string, choices ...string) {
	check(flags, name, func(text string) (string, error) {
		if !slices.Contains(choices, text) {
			return "", fmt.Errorf("use %s", orList(choices))
		}
		return text, nil
	})
}

// checkFloat lets a flag be a number for which ok holds; use says which.
func checkFloat(flags *pflag.FlagSet, name, use string, ok func(v float64) bool) {
	check(flags, name, func(text string) (string, error) {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return "", errors.New("not a number; use " + use)
		}
		if !ok(v) {
			return "", errors.New("use " + use)
		}
		return text, nil
	})
}

// checkDuration lets a flag be a time of at least least.
func checkDuration(flags *pflag.FlagSet, name string, least time.Duration) {
	check(flags, name, func(text string) (string, error) {
		plain, err := duration(text)
		if err != nil {
			return "", err
		}
		if d, err := time.ParseDuration(plain); err == nil && d < least {
			return "", fmt.Errorf("use %v or more", least)
		}
		return plain, nil
	})
}

// orList writes "a, b or c".
func orList(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// plainValues makes every flag of a command that is a number, a time or a fact
// say in words what it takes, and a whole number take 1e3 and 10k.
func plainValues(flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) {
		if _, done := f.Value.(*checkedValue); done {
			return
		}
		switch f.Value.Type() {
		case "int", "uint64":
			check(flags, f.Name, wholeNumber)
		case "float64":
			checkFloat(flags, f.Name, "a number such as 1.25", func(float64) bool { return true })
		case "duration":
			check(flags, f.Name, duration)
		case "bool":
			check(flags, f.Name, func(text string) (string, error) {
				if _, err := strconv.ParseBool(text); err != nil {
					return "", errors.New("use true or false")
				}
				return text, nil
			})
		}
	})
}

// wholeNumber reads a count, or a number as it is: what is out of range is for
// the command to say. A seed may use all of 64 bits, which a count may not.
func wholeNumber(text string) (string, error) {
	if _, err := strconv.Atoi(text); err == nil {
		return text, nil
	}
	if _, err := strconv.ParseUint(text, 10, 64); err == nil {
		return text, nil
	}
	n, err := keys.ParseSize(text)
	return strconv.FormatInt(n, 10), err
}

func duration(text string) (string, error) {
	if _, err := time.ParseDuration(text); err != nil {
		return "", errors.New("not a time; write 700ms, 5s or 2m")
	}
	return text, nil
}

// flagError says which flag has a value that cannot be used, and why.
func flagError(_ *cobra.Command, err error) error {
	var bad *pflag.InvalidValueError
	if !errors.As(err, &bad) {
		return cli.Usagef("%w", err)
	}
	return cli.Usagef("%w", valueError(bad))
}

// valueError words the refusal of a value without what pflag and strconv say.
func valueError(bad *pflag.InvalidValueError) error {
	cause := bad.Unwrap()
	var number *strconv.NumError
	if errors.As(cause, &number) {
		cause = fmt.Errorf("use a number that is not below 0 and not above %d", math.MaxInt)
		if bad.GetFlag().Value.Type() == "uint64" {
			cause = fmt.Errorf("use a whole number from 0 to %d", uint64(math.MaxUint64))
		}
	}
	value := strconv.Quote(bad.GetValue())
	why := strings.TrimPrefix(cause.Error(), value+": ")
	if strings.Trim(bad.GetValue(), "-.0123456789") == "" && bad.GetValue() != "" {
		value = bad.GetValue()
	}
	return fmt.Errorf("--%s %s: %s", bad.GetFlag().Name, value, why)
}

// A formatFlag is --output of a command that has a short flag for each format.
type formatFlag struct {
	flags  *pflag.FlagSet
	format string
}

// String returns the format.
func (f *formatFlag) String() string { return f.format }

// Type returns what help calls the value.
func (f *formatFlag) Type() string { return "string" }

// Set sets the short flag of the format, without the mark that the user gave it.
func (f *formatFlag) Set(format string) error {
	f.format = format
	if short := f.flags.Lookup(format); short != nil {
		return short.Value.Set("true")
	}
	return nil
}

// addOutput defines --output beside the short flags of its formats.
func addOutput(cmd *cobra.Command, formats ...string) {
	flags := cmd.Flags()
	choices := append([]string{"table"}, formats...)
	flags.Var(&formatFlag{flags, "table"}, "output", "what to print: "+orList(choices))
	checkChoice(flags, "output", choices...)
	all := append([]string{"output"}, formats...)
	cmd.MarkFlagsMutuallyExclusive(all...)
	annotate(cmd, annotateInstead, strings.Join(all, " "), all...)
}
