package meta

import "github.com/gantry-mq/gantry/commitlog/seeded"

type birthsFile struct {
	Births map[string]int64 `json:"births"`
}

func (t *Topics) loadBirths() error {
	loaded, err := load[birthsFile](t.birthFile)
	if err != nil || loaded == nil {
		return err
	}
	for name, birth := range loaded.Births {
		t.births.put(name, birth)
	}
	return nil
}

// Birth returns the log offset below which records of that name belong to an earlier topic or to none: 0 for a topic
// that has only had one life. It is meaningful for topics that were deleted, too.
func (t *Topics) Birth(name string) int64 {
	birth, _ := t.births.get(name)
	return birth
}

// BirthBytes is Birth for a name that still lies in a buffer.
func (t *Topics) BirthBytes(name []byte) int64 {
	birth, _ := t.births.getBytes(name)
	return birth
}

// setBirth needs mu.
func (t *Topics) setBirth(name string, logOffset int64) {
	if logOffset > t.Birth(name) {
		t.births.put(name, logOffset)
		t.birthsChanged()
	}
}

// FitBirths fits the births to a log that was recovered and begins at minLog and ends at logEnd. Births beyond the end
// come down to it: what is appended there from now on is new. Those at or below the beginning have done their work and
// are forgotten.
func (t *Topics) FitBirths(minLog, logEnd int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for name, birth := range t.births.all() {
		switch {
		case birth > logEnd && !seeded.Is(seeded.BirthsNotFitted):
			t.log.Warn("meta: the log ends before the creation of a topic", "topic", name, "created", birth, "logEnd", logEnd)
			t.births.put(name, logEnd)
		case birth <= minLog:
			t.births.delete(name)
		default:
			continue
		}
		t.birthsChanged()
	}
}
