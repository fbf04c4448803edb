package consumequeue

// ExtRange returns the smallest and the greatest ext address among the units within Bounds, for Ext.SetMin and
// Ext.Truncate. ok is false if no unit has one.
func (q *Queue) ExtRange() (first, last int64, ok bool, err error) {
	from, next, err := (*stream)(q).bounds()
	if err != nil {
		return 0, 0, false, err
	}
	const piece = 200
	units := make([]Unit, piece)
	found := func(from, to int64, backward bool) (int64, bool, error) {
		n, err := q.Read(units[:min(piece, to-from)], from)
		for i := range n {
			if backward {
				i = n - 1 - i
			}
			if IsExtAddress(units[i].TagCode) {
				return units[i].TagCode, true, err
			}
		}
		return 0, false, err
	}
	// Addresses grow along the queue: the first and the last unit that has one are asked for. Most of the time all have.
	for at := from; at < next && !ok; at += piece {
		if first, ok, err = found(at, next, false); err != nil {
			return 0, 0, false, err
		}
	}
	if !ok {
		return 0, 0, false, nil
	}
	ok = false
	for end := next; end > from && !ok; end -= piece {
		if last, ok, err = found(max(from, end-piece), end, true); err != nil {
			return 0, 0, false, err
		}
	}
	return first, last, ok, nil
}
