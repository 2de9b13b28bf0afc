import { channel } from "devserver/client";

export interface Text {
  to?: string;
  text: string;
}
export interface Message {
  from: string;
  text: string;
}

// The channels of chat/chat.go. Pages send `never` on a channel that is broadcast-only.
export const echo = channel<Text, Message>("realtime_chat_echo");
export const lobby = channel<Text, Message>("realtime_chat_lobby");
export const whisper = channel<Text, Message>("realtime_chat_whisper");
export const pages = channel<never, number>("realtime_site_pages");
