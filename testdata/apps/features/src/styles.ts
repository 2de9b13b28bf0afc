import { show } from "./show";
import "./plain.css";
import card, { title } from "./card.module.css";
import other from "./other/card.module.css";
import inline from "./inline.css?inline";
import cssURL from "./plain.css?url";

const styled = document.querySelector<HTMLElement>("#styled")!;
styled.className = `${card.card} ${title} plain`;
show("unique names", card.card !== other.card);
show("css ?inline", inline.includes(".inline"));
show("css ?url", cssURL);
