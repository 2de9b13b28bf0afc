package hmr

// NotificationEvent is the event that carries a [Notification] to pages.
const NotificationEvent = "devserver:notification"

// Notification is a short message for the person in front of the page.
type Notification struct {
	Title string `json:"title"`
	// Description is a second line, which may be empty.
	Description string `json:"description,omitempty"`
	// Type is "info", "success", "warning" or "error"; "" is "info".
	Type string `json:"type,omitempty"`
}

// Notify shows a notification in every page of the user, or in all pages when the user is "". Pages that devserver
// serves show a toast; others listen to [NotificationEvent].
func (h *Hub) Notify(user string, n Notification) error {
	if user == "" {
		return h.Broadcast(NotificationEvent, n)
	}
	return h.SendToUser(user, NotificationEvent, n)
}
