/** Tells the story step by step: what was promised, what happened, and whether that is the same. */

import { painter, wrap } from '../style.ts'
import { plain, print, type World } from '../world.ts'

export interface Happening<T> {
  /** True when it ended as promised. */
  readonly kept: boolean
  readonly happened: string
  readonly result: T
}

export interface TellerLine {
  readonly promise: string
  readonly happened: string
  readonly kept: boolean
}

export interface Teller {
  /** Plays one step and says how it ended. Throws `PromiseBroken` when it did not end as promised. */
  readonly step: <T>(promise: string, act: () => Promise<Happening<T>>) => Promise<T>
  /** Something to look at that is no step. */
  readonly aside: (text: string) => void
  readonly lines: readonly TellerLine[]
}

/** A step did not end as promised. It was said; what comes after would be about something else. */
export class PromiseBroken extends Error {
  constructor(promise: string) {
    super(`Not as promised: ${promise}`)
    this.name = 'PromiseBroken'
  }
}

const columnsMax = 96

/** Silent where the lines are wanted as one JSON document at the end. */
export function teller(world: World, isSilent: boolean): Teller {
  const lines: TellerLine[] = []
  const paint = painter(world, world.stdout)
  const say = (text: string): void => {
    if (!isSilent) print(world, text)
  }
  return {
    lines,
    aside: say,
    step: async (promise, act) => {
      const { kept, happened, result } = await act()
      lines.push({ promise, happened, kept })
      const number = String(lines.length).padStart(2)
      say(`${paint('dim', number)}  ${kept ? paint('green', '✓') : paint('red', '✗')} ${paint('bold', promise)}`)
      say(`      ${paint(kept ? 'dim' : 'red', wrap(plain(happened), columnsMax, '      '))}`)
      if (!kept) throw new PromiseBroken(promise)
      return result
    },
  }
}
