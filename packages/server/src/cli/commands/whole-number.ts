import { InvalidArgumentError } from 'commander'

/** Reads the value of a flag that takes nothing else. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,12}$/.test(text)) throw new InvalidArgumentError('It is a whole number.')
  return Number(text)
}
