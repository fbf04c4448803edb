package stats

import "time"

// Totals are numbers of messages since the start of the broker, as they stood at three times.
type Totals struct{ YesterdayMorning, TodayMorning, Now int64 }

// days keeps the totals of the last two midnights.
type days struct {
	today    time.Time // any time of it
	put, got Totals    // without Now
}

func (d *days) begin(now time.Time) { d.today = now }

// turn notes the totals if a day has begun.
func (d *days) turn(now time.Time, put, got int64) {
	if now.YearDay() == d.today.YearDay() && now.Year() == d.today.Year() {
		return
	}
	d.today = now
	d.put = Totals{YesterdayMorning: d.put.TodayMorning, TodayMorning: put}
	d.got = Totals{YesterdayMorning: d.got.TodayMorning, TodayMorning: got}
}

// Totals are the numbers of messages that were put and got, by days of the broker's time zone.
func (b *Broker) Totals() (put, got Totals) {
	b.mu.Lock()
	defer b.mu.Unlock()
	put, got = b.days.put, b.days.got
	put.Now, got.Now = b.Put.Total().Messages, b.Got.Total().Messages
	return put, got
}
