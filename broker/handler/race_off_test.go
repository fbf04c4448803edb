//go:build !race

package handler_test

const raceDetector = false
