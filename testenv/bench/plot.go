package main

import (
	"bytes"
	"fmt"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// The size of a plot.
const (
	plotWidth  = 720 * vg.Length(1)
	plotHeight = 300 * vg.Length(1)
	plotMargin = 80 * vg.Length(1) // of plotWidth, for the axis
)

// colours are those of Okabe and Ito, which people with any colour vision tell apart.
var colours = map[string]color.Color{
	nameService:        color.RGBA{R: 0x00, G: 0x72, B: 0xb2, A: 0xff},
	wayPortside:        color.RGBA{R: 0x56, G: 0xb4, B: 0xe9, A: 0xff},
	wayReadModifyWrite: color.RGBA{R: 0xd5, G: 0x5e, B: 0x00, A: 0xff},
	wayCreateOrPatch:   color.RGBA{R: 0xe6, G: 0x9f, B: 0x00, A: 0xff},
	wayFlux:            color.RGBA{R: 0xcc, G: 0x79, B: 0xa7, A: 0xff},
	wayBare:            color.RGBA{R: 0x99, G: 0x99, B: 0x99, A: 0xff},
	seriesDeclared:     color.RGBA{R: 0x00, G: 0x72, B: 0xb2, A: 0xff},
	seriesDiscovered:   color.RGBA{R: 0x00, G: 0x9e, B: 0x73, A: 0xff},
}

// svg draws the chart. Its background is white, so that it can be read on a page of any
// colour.
func (c chart) svg() ([]byte, error) {
	p := plot.New()
	sans(&p.Title.TextStyle, 13)
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		sans(&axis.Label.TextStyle, 10)
		sans(&axis.Tick.Label, 10)
	}
	sans(&p.Legend.TextStyle, 10)
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = c.title, c.x, c.y
	p.Title.Padding = 6
	p.NominalX(c.categories...)
	width := (plotWidth - plotMargin) / vg.Length(len(c.categories)*(len(c.series)+1))
	for i, s := range c.series {
		if err := c.bars(p, s, width, width*(vg.Length(i)-vg.Length(len(c.series)-1)/2)); err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
	}
	p.X.Min, p.X.Max = -0.5, float64(len(c.categories))-0.5
	first, last := c.highest(c.categories[0]), c.highest(c.categories[len(c.categories)-1])
	p.Legend.Top, p.Legend.Left = true, first < last // above the lower bars
	p.Legend.Padding, p.Legend.ThumbnailWidth = 3, 12
	p.Y.Min, p.Y.Max = 0, max(1.15*c.highest(c.categories...), 1.6*min(first, last))
	if p.Y.Max == 0 {
		p.Y.Max = 1
	}
	canvas := vgsvg.New(plotWidth, plotHeight)
	p.Draw(draw.New(canvas))
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return nil, err
	}
	// Liberation Sans is as wide as Arial, which more people have.
	return bytes.ReplaceAll(out.Bytes(), []byte("font-family:Liberation Sans;"), []byte("font-family:'Liberation Sans',Arial,Helvetica,sans-serif;")), nil
}

// bars adds the bars of a series with their values above them.
func (c chart) bars(p *plot.Plot, s series, width, offset vg.Length) error {
	colour, known := colours[s.name]
	if !known {
		return fmt.Errorf("%s has no colour", s.name)
	}
	for i, category := range c.categories {
		value, has := s.values[category]
		if !has {
			continue
		}
		bar, err := plotter.NewBarChart(plotter.Values{value}, width*0.9)
		if err != nil {
			return err
		}
		bar.Color, bar.LineStyle.Width, bar.XMin, bar.Offset = colour, 0, float64(i), offset
		labels, err := plotter.NewLabels(plotter.XYLabels{
			XYs: []plotter.XY{{X: float64(i), Y: value}}, Labels: []string{number(value)},
		})
		if err != nil {
			return err
		}
		labels.Offset = vg.Point{X: offset, Y: 2}
		sans(&labels.TextStyle[0], 8)
		labels.TextStyle[0].XAlign = draw.XCenter
		p.Add(bar, labels)
	}
	swatch, err := plotter.NewBarChart(plotter.Values{0}, width)
	if err != nil {
		return err
	}
	swatch.Color, swatch.LineStyle.Width = colour, 0
	p.Legend.Add(s.name, swatch)
	return nil
}

// highest returns the largest value of the categories.
func (c chart) highest(categories ...string) (value float64) {
	for _, s := range c.series {
		for _, category := range categories {
			value = max(value, s.values[category])
		}
	}
	return value
}

func sans(style *text.Style, size vg.Length) {
	style.Font = font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
}
