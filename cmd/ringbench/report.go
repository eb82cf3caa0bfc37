package main

import (
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/cli"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/report"
)

const reportLong = `Report turns results of ringbench run or clock into a page, a table or data. The
name of the file that -o names decides the format, unless --output does: .html is
one page with plots and tables that needs no network, .md Markdown, .csv, .bench
or .txt the benchmark format of Go that benchstat reads, .json, .svg and .png one
plot, which --plot chooses.

An existing file is replaced whole; if writing fails it stays as it was.

`

const reportExample = `  ringbench run -o results.json
  ringbench report results.json -o report.html
  ringbench report old.json new.json -o report.md
  ringbench report results.json --output bench > results.bench
  ringbench report results.json --plot peak -o peak.svg`

// A reportCommand is the flags of report.
type reportCommand struct {
	out    string
	output string
	plot   string
}

func newReportCommand(e *env) *cobra.Command {
	r := &reportCommand{}
	cmd := &cobra.Command{
		Use:     "report RESULT...",
		Short:   "results as a page, a table or data",
		Long:    reportLong + cli.ExitCodes,
		Example: reportExample,
		Args:    cobra.MinimumNArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return e.report(r, args) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&r.out, "out", "o", "", "`file` to write; stdout by default, or if it is -")
	flags.StringVar(&r.output, "output", "", "format: "+strings.Join(reportFormats(), ", "))
	annotate(cmd, annotateOwn, "yes", "out")
	annotate(cmd, annotateInstead, "out", "output") // the name of a file says its format
	checkChoice(flags, "output", reportFormats()...)
	flags.StringVar(&r.plot, "plot", "", "what an svg or png shows: a metric of ringbench list metrics; lookup by default, or clock-encode")
	return cmd
}

func reportFormats() []string { return append(report.Formats(), "html", "svg", "png") }

// format finds the format from the flags.
func (r *reportCommand) format() (string, error) {
	if r.output != "" {
		return r.output, nil
	}
	if r.out == "" || r.out == "-" {
		return "table", nil
	}
	byName := map[string]string{
		".html": "html", ".htm": "html", ".md": "md", ".csv": "csv", ".bench": "bench", ".txt": "bench",
		".json": "json", ".svg": "svg", ".png": "png",
	}
	format := byName[strings.ToLower(filepath.Ext(r.out))]
	if format == "" {
		return "", cli.Usagef("-o %s: the name tells no format; end it in .html, .md, .csv, .bench, .json, .svg or .png, or add --output", r.out)
	}
	return format, nil
}

// report is the report command.
func (e *env) report(r *reportCommand, paths []string) error {
	format, err := r.format()
	if err != nil {
		return err
	}
	var files []report.Named
	for _, path := range paths {
		f, err := loadResult(path)
		if err != nil {
			return err
		}
		files = append(files, report.Named{Name: path, File: f})
	}
	write := func(w io.Writer) error {
		if format == "svg" || format == "png" {
			return report.WritePlot(w, format, r.plot, files)
		}
		return report.Write(w, format, files, report.Style{
			Width: cli.Width(e.stdout, 100), Color: (r.out == "" || r.out == "-") && cli.Color(e.stdout, e.color, e.getenv),
		})
	}
	if format == "svg" || format == "png" {
		if r.plot == "" {
			r.plot = report.DefaultPlot(files)
		}
		if err := report.CheckPlot(r.plot, files); err != nil {
			return cli.Usagef("--plot: %w", err)
		}
	}
	if r.out == "" || r.out == "-" {
		return write(e.stdout)
	}
	if err := cli.WriteFile(r.out, write); err != nil {
		return cli.Failedf("%w", err)
	}
	e.note("wrote %s", r.out)
	return nil
}
