import { rateFor, type Rate } from './rates.js';

export interface Quote {
  amount: number;
  total: number;
  note: string;
}

/** The price of an amount of goods. Edit this while the service runs. */
export function quote(amount: number): Quote {
  const rate: Rate = rateFor(amount);
  return { amount, total: amount * rate.price, note: `${rate.name} price` };
}
