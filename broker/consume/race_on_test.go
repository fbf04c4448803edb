//go:build race

package consume

const raceDetector = true
