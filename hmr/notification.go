package hmr

// NotificationEvent is the event that carries notifications to pages.
const NotificationEvent = "devserver:notification"

// Notification is a short message for whoever sits in front of the page. Type is "info" (also when empty), "success",
// "warning" or "error".
type Notification struct {
	Title       string `json:"title"`
	Description string `json:"description,omitempty"`
	Type        string `json:"type,omitempty"`
}

// Notify shows a notification to every page of the user, or to all pages when user is "".
func (h *Hub) Notify(user string, n Notification) error {
	if user == "" {
		return h.Broadcast(NotificationEvent, n)
	}
	return h.SendToUser(user, NotificationEvent, n)
}
