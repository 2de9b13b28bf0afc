package transform

func (r *reader) refresh() {}
