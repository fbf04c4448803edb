//go:build !race

package consume

const raceDetector = false
