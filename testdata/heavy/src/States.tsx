import { useDispatch, useSelector } from "react-redux";
import { useQuery } from "@tanstack/react-query";
import { counter, useBears, type State } from "./store";

export function States() {
  const dispatch = useDispatch();
  const n = useSelector((state: State) => state.counter.n);
  const { bears, add } = useBears();
  const query = useQuery({
    queryKey: ["greeting"],
    queryFn: async () => (await (await fetch("/api/greeting")).json()) as { text: string },
  });
  return (
    <>
      <button id="redux" onClick={() => dispatch(counter.actions.up())}>
        redux {n}
      </button>
      <button id="zustand" onClick={add}>
        zustand {bears}
      </button>
      <p id="query">{query.data?.text}</p>
    </>
  );
}
