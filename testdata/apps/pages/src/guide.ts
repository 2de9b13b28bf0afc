// The page of this script is a mere fragment: no doctype, no head.
import { title } from "./shared";

document.querySelector("#route")!.textContent = title("guide");
