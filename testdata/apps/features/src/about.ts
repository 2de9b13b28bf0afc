import { show } from "@/show";
show("about", import.meta.env.BASE_URL);
