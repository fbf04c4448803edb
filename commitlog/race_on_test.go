//go:build race

package commitlog

const raceDetector = true
