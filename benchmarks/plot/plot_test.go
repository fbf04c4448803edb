package plot

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

func draw(t *testing.T, write func(io.Writer) error) string {
	t.Helper()
	var b strings.Builder
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(strings.NewReader(b.String())); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return b.String()
		} else if err != nil {
			t.Fatalf("not well-formed: %v\n%s", err, b.String())
		}
	}
}

func TestPointsAreWhereTheAxesSay(t *testing.T) {
	c := Chart{Title: "a < b & c", X: Axis{Label: "x"}, Y: Axis{Label: "y"}, Width: 326, Height: 184, Lines: []Line{
		{Name: "one", Points: [][2]float64{{0, 0}, {5, 50}, {10, 100}}},
	}}
	// The area is 100 × 100, from (76, 36) on.
	svg := draw(t, c.Write)
	for _, want := range []string{`d="M76.0 136.0L126.0 86.0L176.0 36.0"`, "a &lt; b &amp; c", ">one</text>", `text-anchor="end">100</text>`} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %s in\n%s", want, svg)
		}
	}
}

func TestALogarithmicAxisLeavesOutWhatHasNoPlaceOnIt(t *testing.T) {
	c := Chart{X: Axis{Log: true}, Y: Axis{Log: true}, Width: 326, Height: 184, Lines: []Line{
		{Marks: true, Points: [][2]float64{{1, 0}, {1, 1000}, {-1, 1}, {10, math.NaN()}, {100, math.Inf(1)}, {1000, 1}}},
	}}
	if svg := draw(t, c.Write); !strings.Contains(svg, `d="M76.0 36.0L176.0 136.0"`) || strings.Count(svg, "<circle") != 2 {
		t.Errorf("%s", svg)
	}
}

func TestTicksAreRoundNumbersAroundTheValues(t *testing.T) {
	for _, test := range []struct {
		axis   Axis
		values []float64
		want   string
	}{
		{Axis{}, []float64{3, 97}, "0 20 40 60 80 100"},
		{Axis{}, []float64{0.013, 0.021}, "0.012 0.014 0.016 0.018 0.02 0.022"},
		{Axis{}, []float64{7}, "6.4 6.6 6.8 7 7.2 7.4 7.6"},
		{Axis{}, nil, "0 0.2 0.4 0.6 0.8 1"},
		{Axis{Log: true}, []float64{30, 400}, "10 20 50 100 200 500 1k"},
		{Axis{Log: true}, []float64{1, 3e4}, "1 10 100 1k 10k 100k"},
		{Axis{Log: true}, []float64{1, 1e9}, "1 1k 1M 1G"},
		{Axis{Ticks: []Tick{{0, "none"}, {9, "all"}}}, []float64{1}, "none all"},
	} {
		var got []string
		for _, tick := range test.axis.scale(test.values, 0, 100).ticks {
			got = append(got, tick.Label)
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%v on %+v: %q, expected %q", test.values, test.axis, got, test.want)
		}
	}
}

func TestAGridHasRoomForAllItsCharts(t *testing.T) {
	g := Grid{Columns: 2, Charts: make([]Chart, 3)}
	for i := range g.Charts {
		g.Charts[i] = Chart{Width: 300, Height: 200}
	}
	svg := draw(t, g.Write)
	if !strings.Contains(svg, `viewBox="0 0 600 400"`) || !strings.Contains(svg, "translate(0 200)") {
		t.Errorf("%s", svg)
	}
}
