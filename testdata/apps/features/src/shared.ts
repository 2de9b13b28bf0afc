import { double } from "./double";
(self as unknown as { onconnect: (e: MessageEvent) => void }).onconnect = ({ ports: [port] }) => {
  port!.onmessage = ({ data }) => port!.postMessage(double(data as number));
};
