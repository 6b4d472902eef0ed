/** One writer after the other: what `load`, `save` and `remove` answer, and what is there afterwards. */

import {
  type CustodyCases,
  expectKept,
  expectSame,
  expectTrue,
  newRecord,
  newVersion,
  pairOfViews,
} from './custody-scene.ts'

const bigCharacters = 64 * 1024
const turns = 25

export const saveProofs: CustodyCases = {
  'answers null for what was never saved': async ({ view, newName }) => {
    await expectKept(await view(), newName(), null)
  },

  'gives every view what one of them saved, to the letter': async scene => {
    const [one, other] = await pairOfViews(scene)
    const name = scene.newName()
    const record = { version: '-_09azAZ-_09azAZ-_09aw', sealed: 'pc1.-_09azAZ.-_.AZaz09-_' }
    expectSame(await one.save(name, record, null), 'saved', 'a save where nothing is')
    await expectKept(one, name, record)
    await expectKept(other, name, record)
    await expectKept(other, scene.newName(), null)
  },

  'saves over the version that is there, and over no other': async scene => {
    const [one, other] = await pairOfViews(scene)
    const name = scene.newName()
    const [first, second, third] = [newRecord(), newRecord(), newRecord()]
    expectSame(await one.save(name, first, newVersion()), 'moved', 'a save over a version that never was')
    await expectKept(other, name, null)
    expectSame(await one.save(name, first, null), 'saved', 'a save where nothing is')
    expectSame(await other.save(name, second, null), 'moved', 'a save where nothing should be, and something is')
    expectSame(await other.save(name, second, newVersion()), 'moved', 'a save over another version')
    await expectKept(one, name, first)
    expectSame(await other.save(name, second, first.version), 'saved', 'a save over the version that is there')
    expectSame(await one.save(name, third, first.version), 'moved', 'a save over the version before')
    await expectKept(one, name, second)
    await expectKept(other, name, second)
  },

  'compares versions to the letter, and the version alone': async ({ view, newName }) => {
    const store = await view()
    const name = newName()
    const record = { version: 'abcdefghijklmnopqrstuv', sealed: 'pc1.same' }
    expectSame(await store.save(name, record, null), 'saved', 'a save where nothing is')
    const next = { ...newRecord(), sealed: record.sealed }
    expectSame(await store.save(name, next, record.version.toUpperCase()), 'moved', 'a version in other letters')
    expectSame(await store.save(name, next, `${record.version} `), 'moved', 'a version with a space')
    expectSame(await store.save(name, next, record.version.slice(1)), 'moved', 'the end of a version')
    expectSame(await store.save(name, next, ''), 'moved', 'no version')
    expectSame(await store.save(name, next, record.version), 'saved', 'the version that is there')
    expectSame(await store.save(name, newRecord(), record.version), 'moved', 'a version with the same text before')
    await expectKept(store, name, next)
  },

  'removes the version that is there, and no other': async scene => {
    const [one, other] = await pairOfViews(scene)
    const name = scene.newName()
    const [first, second] = [newRecord(), newRecord()]
    expectSame(await one.remove(name, first.version), 'moved', 'a removal where nothing is')
    await one.save(name, first, null)
    await one.save(name, second, first.version)
    expectSame(await other.remove(name, first.version), 'moved', 'a removal of the version before')
    await expectKept(one, name, second)
    expectSame(await other.remove(name, second.version), 'removed', 'a removal of the version that is there')
    await expectKept(one, name, null)
    await expectKept(other, name, null)
    expectSame(await one.remove(name, second.version), 'moved', 'a second removal')
  },

  'stops a writer who comes after a removal, also when there is something new': async scene => {
    const [one, late] = await pairOfViews(scene)
    const name = scene.newName()
    const [first, fresh] = [newRecord(), newRecord()]
    await one.save(name, first, null)
    await late.load(name)
    await one.remove(name, first.version)
    expectSame(await late.save(name, newRecord(), first.version), 'moved', 'a late save after a removal')
    await expectKept(one, name, null)
    expectSame(await one.save(name, fresh, null), 'saved', 'a save after a removal')
    expectSame(await late.save(name, newRecord(), first.version), 'moved', 'a late save over what is new')
    expectSame(await late.remove(name, first.version), 'moved', 'a late removal of what is new')
    await expectKept(late, name, fresh)
  },

  'lets a writer who lost the answer recognise its own write': async scene => {
    const [one, other] = await pairOfViews(scene)
    const name = scene.newName()
    const [first, second] = [newRecord(), newRecord()]
    await one.save(name, first, null)
    await one.save(name, second, first.version)
    expectSame(await one.save(name, second, first.version), 'moved', 'the same save again')
    await expectKept(one, name, second)
    await expectKept(other, name, second)
  },

  'shows in one view at once what another one acknowledged': async scene => {
    const [one, other] = await pairOfViews(scene)
    const name = scene.newName()
    let before: string | null = null
    for (let turn = 0; turn < turns; turn++) {
      const [writer, reader] = turn % 2 === 0 ? [one, other] : [other, one]
      const record = newRecord(`pc1.${turn}`)
      expectSame(await writer.save(name, record, before), 'saved', `turn ${turn}`)
      await expectKept(reader, name, record)
      before = record.version
    }
  },

  'keeps what was acknowledged, and what was removed away, when all views are closed': async ({ ground, newName }) => {
    const [kept, removed] = [newName(), newName()]
    const [record, gone] = [newRecord(), newRecord()]
    const before = await ground.open()
    await before.store.save(kept, record, null)
    await before.store.save(removed, gone, null)
    await before.store.remove(removed, gone.version)
    await before.close()
    const after = await ground.open()
    try {
      await expectKept(after.store, kept, record)
      await expectKept(after.store, removed, null)
      expectSame(await after.store.save(kept, newRecord(), record.version), 'saved', 'a save after opening again')
    } finally {
      await after.close()
    }
  },

  'keeps sealed texts of 64 kB': async scene => {
    const [one, other] = await pairOfViews(scene)
    const name = scene.newName()
    const [big, bigger] = [newRecord('Az09-_.'.repeat(bigCharacters / 7)), newRecord('x'.repeat(bigCharacters))]
    expectSame(await one.save(name, big, null), 'saved', 'a save of a big text')
    await expectKept(other, name, big)
    expectSame(await other.save(name, bigger, big.version), 'saved', 'a save over a big text')
    await expectKept(one, name, bigger)
  },

  'keeps a copy: what is done to a record later does not reach it': async ({ view, newName }) => {
    const store = await view()
    const name = newName()
    const record = { ...newRecord() }
    const { version, sealed } = record
    await store.save(name, record, null)
    record.version = newVersion()
    record.sealed = 'pc1.changed'
    await expectKept(store, name, { version, sealed })
    const loaded = await store.load(name)
    expectTrue(loaded !== null, 'a record is kept')
    tryToChange(loaded)
    await expectKept(store, name, { version, sealed })
  },

  'keeps key pairs as they are, if it says so, and says so only then': async scene => {
    const [one, other] = await pairOfViews(scene)
    if (!one.keepsKeys) return
    const name = scene.newName()
    const key = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify'])
    await one.save(name, { ...newRecord(), key }, null)
    const kept = (await other.load(name))?.key
    if (kept === undefined) return expectTrue(false, 'a key pair is kept')
    expectSame(kept.privateKey.extractable, false, 'a key that could not be taken out can be')
    const text = new TextEncoder().encode(name)
    const algorithm = { name: 'ECDSA', hash: 'SHA-256' }
    const signature = await crypto.subtle.sign(algorithm, kept.privateKey, text)
    expectTrue(await crypto.subtle.verify(algorithm, key.publicKey, signature, text), 'the key is another one')
    const next = newRecord()
    const version = (await one.load(name))?.version ?? ''
    expectSame(await other.save(name, next, version), 'saved', 'a save without a key')
    expectTrue((await one.load(name))?.key === undefined, 'the key of the record before is left')
  },
}

/** A store may hand out frozen records; then there is nothing to change. */
function tryToChange(record: object | null): void {
  if (record !== null && !Object.isFrozen(record)) Object.assign(record, { sealed: 'pc1.changed' })
}
