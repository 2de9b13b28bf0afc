import { channel } from "devserver/client";

export interface Text {
  to?: string;
  text: string;
}
export interface Message {
  from: string;
  text: string;
}

// As in chat/chat.go. A channel that pages only listen to sends `never`.
export const echo = channel<Text, Message>("realtime_chat_echo");
export const lobby = channel<Text, Message>("realtime_chat_lobby");
export const whisper = channel<Text, Message>("realtime_chat_whisper");
export const pages = channel<never, number>("realtime_site_pages");
