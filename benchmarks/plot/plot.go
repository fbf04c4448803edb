// Package plot draws line charts as small SVG files that are readable on a light and on a dark page.
package plot

import (
	"fmt"
	"io"
	"strings"
)

// Chart is a set of lines over common axes.
type Chart struct {
	Title  string
	X, Y   Axis
	Lines  []Line
	Width  int // 0: 720
	Height int // 0: 400
}

// Axis says how values become places.
type Axis struct {
	Label string
	Log   bool     // values must be positive; others are left out
	Ticks []Tick   // nil: chosen
	Low   *float64 // nil: the smallest value
}

// Tick is a labelled place on an axis.
type Tick struct {
	At    float64
	Label string
}

// Line is a named sequence of points.
type Line struct {
	Name   string
	Points [][2]float64
	Marks  bool // a dot on each point
}

// Margins around the area of the lines, in pixels.
const (
	left   = 76
	right  = 150 // the names of the lines
	top    = 36
	bottom = 48
)

// colours are told apart by most people, on white and on black.
func colour(i int) string {
	all := []string{"#2a8fd8", "#e08a1e", "#2ea36b", "#d05a7a", "#8a76d8", "#8c8c3c", "#4aa5a5", "#9a7a5a"}
	return all[i%len(all)]
}

// Write writes the chart as a complete SVG document.
func (c *Chart) Write(w io.Writer) error {
	var b strings.Builder
	width, height := orElse(c.Width, 720), orElse(c.Height, 400)
	open(&b, width, height)
	c.draw(&b, width, height)
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// open begins a document. Its greys are as far from white as from black.
func open(b *strings.Builder, width, height int) {
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="sans-serif" font-size="12">`+"\n", width, height, width, height)
	b.WriteString("<style>text{fill:#777}.axis{stroke:#888}.grid{stroke:#888;stroke-opacity:.25}</style>\n")
}

func orElse(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// draw draws the chart into an area of that size.
func (c *Chart) draw(b *strings.Builder, width, height int) {
	x := c.X.scale(c.values(0), left, float64(width-right))
	y := c.Y.scale(c.values(1), float64(height-bottom), top)
	fmt.Fprintf(b, `<text x="%d" y="20" font-size="14">%s</text>`+"\n", left, escape(c.Title))
	for _, t := range y.ticks {
		at := y.place(t.At)
		fmt.Fprintf(b, `<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n", left, width-right, at, at, left-6, at+4, escape(t.Label))
	}
	for _, t := range x.ticks {
		at := x.place(t.At)
		fmt.Fprintf(b, `<line class="grid" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", at, at, top, height-bottom, at, height-bottom+16, escape(t.Label))
	}
	fmt.Fprintf(b, `<path class="axis" fill="none" d="M%d %dV%dH%d"/>`+"\n", left, top, height-bottom, width-right)
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", (left+width-right)/2, height-10, escape(c.X.Label))
	fmt.Fprintf(b, `<text transform="translate(14 %d) rotate(-90)" text-anchor="middle">%s</text>`+"\n", (top+height-bottom)/2, escape(c.Y.Label))
	for i, l := range c.Lines {
		fmt.Fprintf(b, `<text x="%d" y="%d" style="fill:%s">%s</text>`+"\n", width-right+10, top+12+18*i, colour(i), escape(l.Name))
		c.drawLine(b, l, colour(i), x, y)
	}
}

func (c *Chart) drawLine(b *strings.Builder, l Line, colour string, x, y scale) {
	path, dots := "", ""
	for _, p := range l.Points {
		if !x.holds(p[0]) || !y.holds(p[1]) {
			continue
		}
		command := "L"
		if path == "" {
			command = "M"
		}
		path += fmt.Sprintf("%s%.1f %.1f", command, x.place(p[0]), y.place(p[1]))
		if l.Marks {
			dots += fmt.Sprintf(`<circle cx="%.1f" cy="%.1f" r="3"/>`, x.place(p[0]), y.place(p[1]))
		}
	}
	if path != "" {
		fmt.Fprintf(b, `<path fill="none" stroke="%s" stroke-width="2" stroke-linejoin="round" d="%s"/>`+"\n", colour, path)
	}
	if dots != "" {
		fmt.Fprintf(b, `<g fill="%s">%s</g>`+"\n", colour, dots)
	}
}

// values are all values of a coordinate.
func (c *Chart) values(coordinate int) []float64 {
	var out []float64
	for _, l := range c.Lines {
		for _, p := range l.Points {
			out = append(out, p[coordinate])
		}
	}
	return out
}

func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(s)
}

// Grid is charts side by side, all of one size.
type Grid struct {
	Charts  []Chart
	Columns int
}

// Write writes the grid as a complete SVG document.
func (g *Grid) Write(w io.Writer) error {
	var b strings.Builder
	cellWidth, cellHeight := 0, 0
	for _, c := range g.Charts {
		cellWidth, cellHeight = max(cellWidth, orElse(c.Width, 720)), max(cellHeight, orElse(c.Height, 400))
	}
	rows := (len(g.Charts) + g.Columns - 1) / g.Columns
	open(&b, cellWidth*g.Columns, cellHeight*rows)
	for i, c := range g.Charts {
		fmt.Fprintf(&b, `<g transform="translate(%d %d)">`+"\n", i%g.Columns*cellWidth, i/g.Columns*cellHeight)
		c.draw(&b, cellWidth, cellHeight)
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}
