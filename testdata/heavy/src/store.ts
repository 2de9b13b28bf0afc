import { configureStore, createSlice } from "@reduxjs/toolkit";
import { create } from "zustand";
import { persist } from "zustand/middleware";

export const counter = createSlice({
  name: "counter",
  initialState: { n: 0 },
  reducers: {
    up: (state) => {
      state.n++;
    },
  },
});
export const store = configureStore({ reducer: { counter: counter.reducer } });
export type State = ReturnType<typeof store.getState>;

interface Bears {
  bears: number;
  add(): void;
}
export const useBears = create(
  persist<Bears>((set) => ({ bears: 0, add: () => set((s) => ({ bears: s.bears + 1 })) }), { name: "bears" }),
);
