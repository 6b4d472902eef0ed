/** Lengths of time as people say them. */

const units = [
  { name: 'day', seconds: 86_400 },
  { name: 'hour', seconds: 3600 },
  { name: 'minute', seconds: 60 },
  { name: 'second', seconds: 1 },
] as const

/** The two largest units that matter, rounded down: `90 days`, `1 hour 30 minutes`, `45 seconds`. */
export function inWords(seconds: number): string {
  const first = units.findIndex(unit => seconds >= unit.seconds)
  if (first === -1) return '0 seconds'
  const parts: string[] = []
  let rest = seconds
  for (const unit of units.slice(first, first + 2)) {
    const count = Math.floor(rest / unit.seconds)
    rest -= count * unit.seconds
    if (count > 0) parts.push(`${count} ${unit.name}${count === 1 ? '' : 's'}`)
  }
  return parts.join(' ')
}

/** Rounded up, for a wait: who comes back when told is let in. `15 minutes`, `1 minute`. */
export function waitInWords(seconds: number): string {
  const unit = units.find(({ seconds: length }) => seconds >= length * 2) ?? units[3]
  return inWords(Math.ceil(seconds / unit.seconds) * unit.seconds)
}
