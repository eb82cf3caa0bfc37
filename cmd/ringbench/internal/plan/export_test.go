package plan

// Needed reports whether a move has a reason, given the points of two nodes
// before and after.
func Needed(fromBefore, fromAfter, toBefore, toAfter int) bool {
	return changesOf([]Node{
		{ID: "from", pointsFrom: fromBefore, pointsTo: fromAfter},
		{ID: "to", pointsFrom: toBefore, pointsTo: toAfter},
	}).needed("from", "to")
}
