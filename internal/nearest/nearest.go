// Package nearest finds the known name that was probably meant by an unknown name.
package nearest

import (
	"slices"
	"strings"
)

// Name returns the known name with the fewest changes from the written name, or "" when all names need more than most
// changes. It ignores case. Of equally near names it returns the first.
func Name(written string, known []string, most int) string {
	best, least := "", most+1
	for _, name := range known {
		if d := distance(strings.ToLower(written), strings.ToLower(name), least); d < least {
			best, least = name, d
		}
	}
	return best
}

// Order returns the names by the number of changes from the written name, the nearest first.
func Order(written string, names []string) []string {
	far := make(map[string]int, len(names))
	for _, name := range names {
		far[name] = distance(strings.ToLower(written), strings.ToLower(name), len(written)+len(name)+1)
	}
	return slices.SortedStableFunc(slices.Values(names), func(a, b string) int { return far[a] - far[b] })
}

// distance returns the number of letters to insert, remove, change or swap, at most limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
