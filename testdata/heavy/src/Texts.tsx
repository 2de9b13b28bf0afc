import { chunk, debounce } from "lodash-es";
import { addDays, format } from "date-fns";
import { de } from "date-fns/locale";

export function Texts() {
  return (
    <>
      <p id="lodash">
        {chunk([1, 2, 3], 2).length} chunks, {typeof debounce}
      </p>
      <p id="date">{format(addDays(new Date(2026, 0, 31), 1), "d MMMM yyyy", { locale: de })}</p>
    </>
  );
}
