import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { noCutOffs } from './cut-offs.ts'
import { endFamily, type Family, generationMax } from './family.ts'
import {
  boundFamily,
  client,
  confidentialFamily,
  familyAt,
  grant,
  keyedFamily,
  keyTag,
  newFamily,
  none,
  openedAtMs,
  ownBinding,
  ownKey,
  plainFamily,
  policy,
  presentation,
  reuseAt,
  rotatedAtMs,
  strangeKey,
  verdictOn,
  windowMs,
} from './fixture.test.ts'
import { type Presentation, present, type RefusalReason, type Verdict } from './present.ts'
import { readUses } from './recent-uses.ts'

const later = rotatedAtMs + windowMs
const keeps = { ...policy, rotates: false }

describe('the current token', () => {
  it('I4 advances by exactly one generation, whoever shows it', () => {
    for (const proof of [none, client, ownKey]) {
      const verdict = verdictOn(plainFamily(3), 3, { proof, nowMs: later })
      assert.equal(verdict.kind, 'advanced')
      assert.equal(verdict.family.generation, 4)
    }
  })

  it('moves the time of rotation and of use, and starts the count of repeats again', () => {
    const { family } = verdictOn({ ...plainFamily(3), repeats: 5 }, 3, { nowMs: later })
    assert.deepEqual([family.rotatedAtMs, family.usedAtMs, family.repeats], [later, later, 0])
  })

  it('I8 moves no time back where the clock went back', () => {
    const { family } = verdictOn(plainFamily(3), 3, { nowMs: rotatedAtMs - 1 })
    assert.deepEqual([family.rotatedAtMs, family.usedAtMs], [rotatedAtMs, rotatedAtMs])
  })

  it('records the use: generation, time and tags', () => {
    const tags = { addressTag: Uint8Array.of(9, 8, 7, 6), agentTag: Uint8Array.of(5, 4, 3, 2), retryKeyTag: keyTag(1) }
    const { family } = verdictOn(plainFamily(3), 3, { ...tags, nowMs: later })
    assert.deepEqual(readUses(family.recentUses)[0], { generation: 3, atMs: later, ...tags })
  })

  it('I7 I8 leaves the grant, the absolute end and everything fixed as they were', () => {
    const before = keyedFamily(3)
    const { family } = verdictOn(before, 3, { retryKeyTag: keyTag(3), nowMs: later })
    const moved = { generation: 4, rotatedAtMs: later, usedAtMs: later, recentUses: family.recentUses }
    assert.deepEqual(family, { ...before, ...moved })
    assert.equal(family.grant, grant)
  })

  it('is kept where policy does not rotate, and only the use moves', () => {
    const before = { ...confidentialFamily(3), repeats: 5 }
    const { kind, family } = verdictOn(before, 3, { proof: client, policy: keeps, nowMs: later })
    assert.equal(kind, 'kept')
    assert.deepEqual(family, { ...before, usedAtMs: later, recentUses: family.recentUses })
    assert.deepEqual([readUses(family.recentUses)[0]?.generation, readUses(family.recentUses).length], [3, 4])
  })

  it('is kept from the first refresh token on', () => {
    assert.equal(verdictOn(confidentialFamily(1), 1, { proof: client, policy: keeps }).kind, 'kept')
  })

  it('I8 a kept token moves no time back where the clock went back', () => {
    const { family } = verdictOn(confidentialFamily(3), 3, { proof: client, policy: keeps, nowMs: rotatedAtMs - 1 })
    assert.equal(family.usedAtMs, rotatedAtMs)
  })

  it('I4 advances to the last generation and never beyond it', () => {
    const last = { ...plainFamily(3), generation: generationMax - 1 }
    assert.equal(verdictOn(last, generationMax - 1).family.generation, generationMax)
    const full = { ...last, generation: generationMax }
    assert.deepEqual(verdictOn(full, generationMax), { kind: 'refused', reason: 'exhausted', family: full })
    assert.equal(verdictOn(full, generationMax, { policy: keeps }).kind, 'kept')
  })
})

describe('the authorization code', () => {
  it('is redeemed by the first rotation, also where policy does not rotate', () => {
    const { kind, family } = verdictOn(newFamily(), 0, { policy: keeps })
    assert.deepEqual([kind, family.generation], ['advanced', 1])
  })

  it('fixes whether the family is keyed when it is redeemed, and no later request does', () => {
    const keyed = verdictOn(newFamily(), 0, { retryKeyTag: keyTag(0) }).family
    const plain = verdictOn(newFamily(), 0).family
    assert.deepEqual([keyed.keyed, plain.keyed], [true, false])
    assert.equal(verdictOn(plain, 1, { retryKeyTag: keyTag(1) }).family.keyed, false)
    assert.equal(verdictOn(keyed, 1, { retryKeyTag: keyTag(1) }).family.keyed, true)
  })

  it('fixes the binding when it is redeemed, and no later proof changes it', () => {
    assert.deepEqual(verdictOn(newFamily(), 0, { proof: ownKey }).family.binding, ownBinding)
    const plain = verdictOn(newFamily(), 0).family
    assert.equal(plain.binding, null)
    assert.equal(verdictOn(plain, 1, { proof: ownKey }).family.binding, null)
    assert.equal(verdictOn(newFamily(), 0, { proof: client }).family.binding, null)
  })

  it('bound at the authorization is redeemed by that key only', () => {
    const family = newFamily({ binding: ownBinding })
    assert.deepEqual(verdictOn(family, 0, { proof: ownKey }).family.binding, ownBinding)
    for (const proof of [none, client, strangeKey])
      assertRefused(verdictOn(family, 0, { proof }), family, 'binding_mismatch')
  })

  it('I5 ends the grant when it comes again from anyone without its retry key or the bound key', () => {
    for (const proof of [none, client]) {
      for (const generation of [1, 2, 9]) {
        const verdict = verdictOn(
          familyAt(generation, () => ({ proof })),
          0,
          { proof },
        )
        assert.equal(verdict.kind, 'reused', `generation ${generation}`)
      }
    }
    assert.equal(verdictOn(keyedFamily(1), 0, { retryKeyTag: keyTag(7) }).kind, 'reused')
  })

  it('never gets a second answer, also inside the repeat window: its holder is stale', () => {
    for (const generation of [1, 2]) {
      assertStale(verdictOn(keyedFamily(generation), 0, { retryKeyTag: keyTag(0) }))
      assertStale(verdictOn(boundFamily(generation), 0, { proof: ownKey }))
    }
  })
})

describe('the device code', () => {
  const device = (generation: number, how: Partial<Presentation> = {}): Family => {
    let family = newFamily({ codeRepeats: true })
    for (let presented = 0; presented < generation; presented++) family = verdictOn(family, presented, how).family
    return family
  }

  it('is redeemed by the first rotation, which settles keying and binding', () => {
    const { kind, family } = verdictOn(device(0), 0, { proof: ownKey, retryKeyTag: keyTag(0) })
    assert.deepEqual([kind, family.generation, family.keyed], ['advanced', 1, true])
    assert.deepEqual(family.binding, ownBinding)
  })

  it('is repeated inside the window for anyone, and reused from its end on', () => {
    assertRepeated(verdictOn(device(1), 0, { nowMs: later - 1 }), device(1))
    assert.equal(verdictOn(device(1), 0, { nowMs: later }).kind, 'reused')
  })

  it('is repeated after the window for its retry key, for the bound key and for the confidential client', () => {
    for (const how of [{ retryKeyTag: keyTag(0) }, { proof: ownKey }, { proof: client }]) {
      assertRepeated(verdictOn(device(1, how), 0, { ...how, nowMs: later }), device(1, how))
    }
  })

  it('is refused too many repeats, as every bare predecessor', () => {
    const family = { ...device(1), repeats: policy.repeatsMax }
    assertRefused(verdictOn(family, 0), family, 'too_many_repeats')
  })

  it('I5 is reused once a refresh token was used, and stale for its retry key', () => {
    assert.equal(verdictOn(device(2), 0).kind, 'reused')
    assert.equal(verdictOn(device(2, { proof: client }), 0, { proof: client }).kind, 'reused')
    assertStale(verdictOn(device(2, { retryKeyTag: keyTag(0) }), 0, { retryKeyTag: keyTag(0) }))
    assertStale(verdictOn(device(2, { proof: ownKey }), 0, { proof: ownKey }))
  })

  it('counts as older once the first refresh token was kept', () => {
    const kept = verdictOn(device(1, { proof: client }), 1, { proof: client, policy: keeps }).family
    assert.equal(verdictOn(kept, 0, { proof: client }).kind, 'reused')
  })
})

describe('the predecessor', () => {
  it('is repeated until expiry for the retry key of that rotation', () => {
    for (const family of [keyedFamily(3), familyAt(3, presented => ({ retryKeyTag: keyTag(presented) }))]) {
      for (const nowMs of [rotatedAtMs, later, lastMsOf(family)]) {
        assertRepeated(verdictOn(family, 2, { retryKeyTag: keyTag(2), nowMs }), family)
      }
    }
  })

  it('is repeated until expiry for the key of the binding', () => {
    const family = boundFamily(3)
    for (const nowMs of [rotatedAtMs, later, lastMsOf(family)]) {
      assertRepeated(verdictOn(family, 2, { proof: ownKey, nowMs }), family)
    }
  })

  it('is repeated until expiry for the authenticated confidential client', () => {
    const family = confidentialFamily(3)
    for (const nowMs of [rotatedAtMs, later, lastMsOf(family)]) {
      assertRepeated(verdictOn(family, 2, { proof: client, nowMs }), family)
    }
  })

  it('is repeated for a retry key also where the family is not keyed and the window is over', () => {
    const family = familyAt(3, presented => (presented === 0 ? {} : { retryKeyTag: keyTag(presented) }))
    assertRepeated(verdictOn(family, 2, { retryKeyTag: keyTag(2), nowMs: later }), family)
  })

  it('is reused with the retry key of another rotation, also inside the window', () => {
    for (const other of [0, 1, 3]) {
      assert.equal(verdictOn(keyedFamily(3), 2, { retryKeyTag: keyTag(other) }).kind, 'reused')
    }
  })

  it('is repeated for the confidential client of a keyed family whatever key it shows', () => {
    const family = familyAt(3, presented => ({ proof: client, retryKeyTag: keyTag(presented) }))
    assertRepeated(verdictOn(family, 2, { proof: client, retryKeyTag: keyTag(9), nowMs: later }), family)
  })

  it('counts as older once its successor was kept', () => {
    const kept = verdictOn(confidentialFamily(3), 3, { proof: client, policy: keeps }).family
    assert.equal(verdictOn(kept, 2, { proof: client }).kind, 'reused')
    const keyedKept = verdictOn(keyedFamily(3), 3, { retryKeyTag: keyTag(3), policy: keeps }).family
    assertStale(verdictOn(keyedKept, 2, { retryKeyTag: keyTag(2) }))
  })

  it('gains nothing from a proof where the family is unbound', () => {
    assert.equal(verdictOn(plainFamily(3), 2, { proof: strangeKey, nowMs: later }).kind, 'reused')
    assert.equal(verdictOn(plainFamily(3), 2, { proof: strangeKey, nowMs: later - 1 }).kind, 'repeated')
  })
})

describe('an older token', () => {
  it('is stale for the key of the binding, however old', () => {
    for (const generation of [1, 5, 18]) assertStale(verdictOn(boundFamily(20), generation, { proof: ownKey }))
  })

  it('is stale for its retry key, and reused with the key of another generation', () => {
    assertStale(verdictOn(keyedFamily(3), 1, { retryKeyTag: keyTag(1) }))
    for (const other of [0, 2])
      assert.equal(verdictOn(keyedFamily(3), 1, { retryKeyTag: keyTag(other) }).kind, 'reused')
  })

  it('is stale for its retry key as far back as the eighth use, and reused from the ninth', () => {
    const family = keyedFamily(12)
    assertStale(verdictOn(family, 4, { retryKeyTag: keyTag(4) }))
    assert.equal(verdictOn(family, 3, { retryKeyTag: keyTag(3) }).kind, 'reused')
  })

  it('I5 is reused by anybody else, also by the confidential client, also inside the window', () => {
    for (const proof of [none, client, ownKey]) {
      for (const generation of [1, 2]) assert.equal(verdictOn(plainFamily(4), generation, { proof }).kind, 'reused')
    }
  })
})

describe('a reuse', () => {
  it('I5 ends the family once, by the rule, and says how far the end reaches', () => {
    for (const reuseEnds of ['family', 'grant', 'session', 'consent'] as const) {
      const before = plainFamily(3)
      const verdict = verdictOn(before, 1, { nowMs: later, policy: { ...policy, reuseEnds } })
      assert.deepEqual(verdict, { kind: 'reused', ends: reuseEnds, family: { ...before, end: reuseAt(later) } })
      assertRefused(verdictOn(verdict.family, 1), verdict.family, 'ended')
    }
  })

  it('I5 never befalls a bound family, whatever is replayed by whomever', () => {
    const family = boundFamily(12)
    for (let generation = 0; generation <= 13; generation++) {
      for (const proof of [none, client, ownKey, strangeKey]) {
        assert.equal(verdictOn(family, generation, { proof, nowMs: later }).family.end, null)
      }
    }
  })
})

describe('a keyed family', () => {
  it('I6 refuses any generation without a retry key and changes nothing', () => {
    for (let generation = 0; generation <= 3; generation++) {
      for (const proof of [none, client]) {
        assertRefused(verdictOn(keyedFamily(3), generation, { proof }), keyedFamily(3), 'retry_key_required')
      }
    }
  })

  it('lets a thief who makes up a key move on once, and ends when its owner refreshes', () => {
    const stolen = verdictOn(keyedFamily(3), 3, { retryKeyTag: keyTag(99) })
    assert.equal(stolen.kind, 'advanced')
    assert.equal(verdictOn(stolen.family, 3, { retryKeyTag: keyTag(3) }).kind, 'reused')
  })
})

describe('a bound family', () => {
  it('I6 refuses any generation without its own key and changes nothing', () => {
    const otherKind = { kind: 'key', binding: { kind: 'certificate', thumbprint: ownBinding.thumbprint } } as const
    for (let generation = 0; generation <= 3; generation++) {
      for (const proof of [none, client, strangeKey, otherKind]) {
        assertRefused(verdictOn(boundFamily(3), generation, { proof }), boundFamily(3), 'binding_mismatch')
      }
    }
  })

  it('asks for the retry key before the binding where it is keyed too', () => {
    const family = familyAt(3, presented => ({ proof: ownKey, retryKeyTag: keyTag(presented) }))
    assertRefused(verdictOn(family, 3, { proof: none }), family, 'retry_key_required')
    assertRefused(verdictOn(family, 3, { proof: none, retryKeyTag: keyTag(3) }), family, 'binding_mismatch')
    assert.equal(verdictOn(family, 3, { proof: ownKey, retryKeyTag: keyTag(3) }).kind, 'advanced')
  })
})

describe('a token ahead of its row', () => {
  it('I6 is refused from the first generation after the current one, and changes nothing', () => {
    const family = plainFamily(3)
    for (const generation of [4, 5, generationMax]) assertRefused(verdictOn(family, generation), family, 'ahead')
    assertRefused(verdictOn(newFamily(), 1), newFamily(), 'ahead')
  })

  it('is told as ahead also where a retry key or a proof is missing', () => {
    assertRefused(verdictOn(keyedFamily(3), 4), keyedFamily(3), 'ahead')
    assertRefused(verdictOn(boundFamily(3), 4), boundFamily(3), 'ahead')
  })
})

describe('a family that is over', () => {
  it('I4 I6 refuses everything and keeps its first end, also when it is expired and cut off too', () => {
    const family = endFamily(plainFamily(3), 'revoked_by_client', 'client', rotatedAtMs)
    for (let generation = 0; generation <= 4; generation++) {
      const nowMs = family.absoluteExpiresAtMs
      const verdict = present(family, { ...noCutOffs, everyoneMs: nowMs }, presentation(generation, { nowMs }))
      assertRefused(verdict, family, 'ended')
      assert.equal(verdict.family, family)
    }
  })

  it('is ended by the step that meets its expiry, whatever is presented', () => {
    const family = plainFamily(3)
    const nowMs = lastMsOf(family) + 1
    for (let generation = 0; generation <= 4; generation++) {
      assert.deepEqual(verdictOn(family, generation, { nowMs }), {
        kind: 'refused',
        reason: 'expired',
        family: { ...family, end: { reason: 'idle_expired', atMs: nowMs, by: 'rule' } },
      })
    }
  })

  it('is ended by the step that meets a cut-off, which is told before the expiry', () => {
    const family = plainFamily(3)
    const nowMs = family.absoluteExpiresAtMs
    for (let generation = 0; generation <= 4; generation++) {
      const cutOffs = { ...noCutOffs, clientMs: openedAtMs + 1 }
      assert.deepEqual(present(family, cutOffs, presentation(generation, { nowMs })), {
        kind: 'refused',
        reason: 'cut_off',
        family: { ...family, end: { reason: 'cut_off_client', atMs: nowMs, by: 'rule' } },
      })
    }
  })

  it('I4 stays expired where the clock goes back', () => {
    const family = plainFamily(3)
    const { family: expired } = verdictOn(family, 3, { nowMs: lastMsOf(family) + 1 })
    assertRefused(verdictOn(expired, 3, { nowMs: rotatedAtMs }), expired, 'ended')
  })
})

describe('present', () => {
  it('changes nothing of what it is given', () => {
    const family = keyedFamily(3)
    const copy = structuredClone(family)
    const shown: Partial<Presentation>[] = [{}, { retryKeyTag: keyTag(2) }, { retryKeyTag: keyTag(9) }]
    for (let generation = 0; generation <= 4; generation++) for (const how of shown) verdictOn(family, generation, how)
    assert.deepEqual(family, copy)
  })

  it('throws on a tag of the wrong length, before anything is decided', () => {
    assert.throws(() => verdictOn(plainFamily(3), 3, { addressTag: new Uint8Array(3) }), RangeError)
  })
})

function lastMsOf(family: Family): number {
  return family.usedAtMs + family.idleSeconds * 1000 - 1
}

function assertRefused(verdict: Verdict, family: Family, reason: RefusalReason): void {
  assert.deepEqual(verdict, { kind: 'refused', reason, family })
}

function assertStale(verdict: Verdict): void {
  assert.deepEqual([verdict.kind, verdict.family.end], ['stale', null])
}

/** I1, I8: nothing moves but the count, so the successor that is derived from the row is the same. */
function assertRepeated(verdict: Verdict, family: Family): void {
  assert.deepEqual(verdict, { kind: 'repeated', family: { ...family, repeats: family.repeats + 1 } })
}
