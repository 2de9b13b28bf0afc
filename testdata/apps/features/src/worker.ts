import { double } from "./double";
self.onmessage = ({ data }) => self.postMessage(double(data as number));
