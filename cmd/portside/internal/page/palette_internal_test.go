package page

import (
	"math"
	"strconv"
	"testing"
)

// TestPalette computes the contrast of every text with what is behind it, in light and in
// dark.
func TestPalette(t *testing.T) {
	t.Parallel()
	const least = 4.5 // WCAG 2.2, 1.4.3
	check := func(ink, behind color) {
		for scheme, c := range map[string]float64{
			"light": contrast(t, ink.light, behind.light),
			"dark":  contrast(t, ink.dark, behind.dark),
		} {
			if c < least {
				t.Errorf("%s on %s in %s: the contrast is %.2f:1, less than %.1f:1", ink.name, behind.name, scheme, c, least)
			}
		}
	}
	for _, surface := range surfaces {
		for _, ink := range inks {
			check(ink, surface)
		}
		for _, manager := range managerColors {
			check(manager, surface)
		}
	}
	for _, manager := range managerColors {
		check(surfaces[0], manager) // the letters of a mark
	}
}

// contrast returns the contrast of two colours, as WCAG 2.2 defines it.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	la, lb := luminance(t, a), luminance(t, b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func luminance(t *testing.T, hex string) (l float64) {
	t.Helper()
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		channel, err := strconv.ParseUint(hex[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatalf("colour %q: %v", hex, err)
		}
		v := float64(channel) / 255
		if v <= 0.04045 {
			l += weight * v / 12.92
		} else {
			l += weight * math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	return l
}

func TestLetters(t *testing.T) {
	t.Parallel()
	for i, want := range map[int]string{0: "A", 25: "Z", 26: "AA", 51: "AZ", 52: "BA", 701: "ZZ", 702: "AAA"} {
		if got := letters(i); got != want {
			t.Errorf("letters(%d) is %q, not %q", i, got, want)
		}
	}
}
