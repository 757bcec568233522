import { Counter, Gauge, type Registry } from 'prom-client';

/** Adds a gauge; `read` is asked whenever somebody looks. */
export type AddGauge = (name: string, help: string, read: () => number) => void;

/** Adds gauges to a registry. */
export function gaugesOf(registry: Registry): AddGauge {
  return (name, help, read) => {
    const gauge: Gauge = new Gauge({ name, help, registers: [registry], collect: () => gauge.set(read()) });
  };
}

/** Makes a counter. */
type MakeCounter = (name: string, help: string) => Counter;

/** Makes counters of a registry, without labels. */
export function countersOf(registry: Registry): MakeCounter {
  return (name, help) => new Counter({ name, help, registers: [registry] });
}
