//go:build race

package produce

const raceDetector = true
