import { title } from "../src/shared";

document.querySelector("#route")!.textContent = title("about");
