/** Any name of up to 200 characters is a name, and two names are one only if they are the same to the letter. */

import { grantNameCharactersMax } from '../custody/custody-store.ts'
import { type CustodyCases, expectKept, expectSame, newRecord, pairOfViews } from './custody-scene.ts'

/** What file systems, key spaces and collations take for something else, or for the same. */
const trickyNames: readonly string[] = [
  'Name',
  'name',
  'NAME',
  'name ',
  ' name',
  'na me',
  'name.',
  'name:1',
  'name*',
  'name%',
  'n_me',
  'na%e',
  'name\\',
  '.',
  '..',
  '../name',
  '/name',
  'name/',
  'a/b',
  'a//b',
  'a\\b',
  'C:\\name',
  'CON',
  'nul.txt',
  '~',
  '$HOME',
  '{name}',
  '{}',
  '}{',
  '[name]',
  "name'; --",
  '"name"',
  '`name`',
  'name\n',
  'na\tme',
  '__proto__',
  'constructor',
  'hasOwnProperty',
  '0',
  '-1',
  '1e3',
  'null',
  'undefined',
  'true',
  'strasse',
  'straße',
  'STRASSE',
  'é',
  'e\u0301',
  'ﬁ',
  'fi',
  'İ',
  'i',
  'ı',
  'I',
  'Σ',
  'σ',
  'ς',
  '名',
  '🦀',
  '👩\u200d💻',
  '\u202ename',
  'name\u200b',
]

const longNames: readonly string[] = [
  'x'.repeat(grantNameCharactersMax),
  `${'x'.repeat(grantNameCharactersMax - 1)}X`,
  `${'x'.repeat(grantNameCharactersMax - 1)}/`,
  '名'.repeat(grantNameCharactersMax),
  '🦀'.repeat(grantNameCharactersMax / 2),
  '../'.repeat(grantNameCharactersMax / 3),
]

export const nameProofs: CustodyCases = {
  'keeps apart whatever differs by one letter, its case or its composition': async scene => {
    const [one, other] = await pairOfViews(scene)
    // A beginning of their own, so that names of the application are left alone; what is tricky in a whole name comes bare.
    const beginning = scene.newName('n')
    const endings = trickyNames.map(ending => ending + beginning).concat(trickyNames.map(ending => beginning + ending))
    const names = [...endings, ...longNames.map(long => beginning + long.slice(beginning.length))]
    const records = new Map(names.map(name => [name, newRecord()]))
    expectSame(records.size, names.length, 'names of this proof')
    for (const [name, record] of records) expectSame(await one.save(name, record, null), 'saved', `'${name}'`)
    for (const [name, record] of records) await expectKept(other, name, record)
    for (const [name, record] of records) {
      expectSame(await other.remove(name, record.version), 'removed', `'${name}'`)
      await expectKept(one, name, null)
    }
  },

  'leases apart whatever differs by one letter, its case or its composition': async ({ view, newName }) => {
    const store = await view()
    const beginning = newName('n')
    const leases = []
    for (const ending of trickyNames) {
      const lease = await store.lease(beginning + ending, leaseSeconds)
      expectSame(lease === null, false, `a lease of '${ending}' is refused because of another name`)
      leases.push(lease)
    }
    for (const lease of leases) await lease?.release()
  },
}

const leaseSeconds = 60
