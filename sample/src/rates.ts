export interface Rate {
  name: string;
  price: number;
}

const rates: Rate[] = [
  { name: 'single', price: 10 },
  { name: 'bulk', price: 8 },
];

/** Ten or more are sold at the bulk price. */
export function rateFor(amount: number): Rate {
  return amount >= 10 ? rates[1]! : rates[0]!;
}
