/** What a store that offers to tell of changes tells, and until when. A store that does not offer it has nothing to show. */

import type { CustodyStore } from '../custody/custody-store.ts'
import { type CustodyCases, CustodyDisproved, expectSame, newRecord, pairOfViews } from './custody-scene.ts'

/** What is told of in the end is told of by then; nothing waits for it but a store that tells nothing. */
const toldMsMax = 10_000

export const watchProofs: CustodyCases = {
  'tells others of what is saved and removed, if it tells anything': async scene => {
    const [one, other] = await pairOfViews(scene)
    const name = scene.newName()
    const told = listen(other)
    if (told === null) return
    try {
      const [first, second] = [newRecord(), newRecord()]
      await one.save(name, first, null)
      expectSame(await told.next(name), first.version, 'the version told after a save')
      await one.save(name, second, first.version)
      expectSame(await told.next(name), second.version, 'the version told after a second save')
      await one.remove(name, second.version)
      expectSame(await told.next(name), null, 'the version told after a removal')
    } finally {
      told.end()
    }
  },

  'tells nothing of what did not happen, and nobody who ended it': async scene => {
    const [one, other] = await pairOfViews(scene)
    const [name, last] = [scene.newName(), scene.newName()]
    const [told, ended] = [listen(other), listen(other)]
    if (told === null || ended === null) return
    ended.end()
    try {
      const [first, second] = [newRecord(), newRecord()]
      await one.save(name, first, null)
      await one.save(name, second, null)
      await one.remove(name, second.version)
      await one.save(last, newRecord(), null)
      await told.next(last)
      expectSame(told.heard.filter(heard => heard.name === name).length, 1, 'what was told of one save')
      expectSame(ended.heard.length, 0, 'what was told after the end')
    } finally {
      told.end()
    }
  },
}

interface Heard {
  readonly name: string
  readonly version: string | null
}

interface Ear {
  readonly heard: readonly Heard[]
  /** What is told of the name next, counted from the last answer. */
  readonly next: (name: string) => Promise<string | null>
  readonly end: () => void
}

function listen(store: CustodyStore): Ear | null {
  if (store.watch === undefined) return null
  const heard: Heard[] = []
  let read = 0
  let wake = (): void => {}
  const end = store.watch((name, version) => {
    heard.push({ name, version })
    wake()
  })
  const next = async (name: string): Promise<string | null> => {
    for (;;) {
      const found = heard.slice(read).findIndex(one => one.name === name)
      if (found >= 0) {
        read += found + 1
        return heard[read - 1]?.version ?? null
      }
      await untilWoken(resolve => {
        wake = resolve
      })
    }
  }
  return { heard, next, end }
}

function untilWoken(onWake: (wake: () => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new CustodyDisproved('nothing was told of a change')), toldMsMax)
    onWake(() => {
      clearTimeout(late)
      resolve()
    })
  })
}
