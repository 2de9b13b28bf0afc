import { useEffect, useRef } from "react";
import Chart from "chart.js/auto";
import { max, scaleLinear, select } from "d3";
import { Vector3 } from "three";
import { OrbitControls } from "three/examples/jsm/controls/OrbitControls.js";

export function Drawings() {
  const canvas = useRef<HTMLCanvasElement>(null);
  const svg = useRef<SVGSVGElement>(null);
  useEffect(() => {
    const chart = new Chart(canvas.current!, {
      type: "bar",
      data: { labels: ["a"], datasets: [{ data: [1] }] },
      options: { responsive: false },
    });
    return () => chart.destroy();
  }, []);
  useEffect(() => {
    const data = [1, 2, 5];
    const y = scaleLinear([0, max(data)!], [0, 50]);
    select(svg.current)
      .selectAll("rect")
      .data(data)
      .join("rect")
      .attr("width", 10)
      .attr("x", (_, i) => i * 12)
      .attr("height", y);
  }, []);
  return (
    <>
      <canvas id="chart" ref={canvas} width="50" height="50" />
      <svg id="d3" ref={svg} width="50" height="50" />
      <p id="three">
        length {new Vector3(1, 2, 2).length()}, {OrbitControls.name}
      </p>
    </>
  );
}
