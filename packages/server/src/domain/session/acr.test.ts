import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  acrs,
  acrToTell,
  federatedAcr,
  isAcr,
  passwordAcr,
  phishingResistantAcr,
  satisfies,
  satisfiesAny,
  twoFactorAcr,
  wantedAcr,
  waysToRaise,
  withSecondFactor,
} from './acr.ts'

describe('levels of authentication', () => {
  it('satisfies itself and what is weaker, and nothing that is stronger', () => {
    for (const acr of acrs) assert.equal(satisfies(acr, acr), true, acr)
    assert.equal(satisfies(phishingResistantAcr, twoFactorAcr), true)
    assert.equal(satisfies(phishingResistantAcr, passwordAcr), true)
    assert.equal(satisfies(twoFactorAcr, passwordAcr), true)
    assert.equal(satisfies(twoFactorAcr, phishingResistantAcr), false)
    assert.equal(satisfies(passwordAcr, twoFactorAcr), false)
  })

  it('takes one single factor for no other', () => {
    assert.equal(satisfies(passwordAcr, federatedAcr), false)
    assert.equal(satisfies(federatedAcr, passwordAcr), false)
  })

  it('knows its own names alone', () => {
    for (const text of ['phrh', '0', '', 'constructor', 'toString', 'PHR']) {
      assert.equal(isAcr(text), false, text)
      assert.equal(satisfies(text, passwordAcr), false, text)
    }
  })

  it('is enough for one of several', () => {
    assert.equal(satisfiesAny(twoFactorAcr, [phishingResistantAcr, twoFactorAcr]), true)
    assert.equal(satisfiesAny(passwordAcr, [phishingResistantAcr, twoFactorAcr]), false)
  })

  it('tells the first level asked for that was reached, and what was reached where none was', () => {
    assert.equal(
      acrToTell(phishingResistantAcr, { values: [twoFactorAcr, passwordAcr], essential: true }),
      twoFactorAcr,
    )
    assert.equal(acrToTell(passwordAcr, { values: [phishingResistantAcr, passwordAcr], essential: false }), passwordAcr)
    assert.equal(acrToTell(passwordAcr, { values: [phishingResistantAcr], essential: false }), passwordAcr)
    assert.equal(acrToTell(twoFactorAcr, null), twoFactorAcr)
  })

  it('keeps of what is asked for what it knows, each once, in order', () => {
    assert.deepEqual(wantedAcr(['urn:other', twoFactorAcr, passwordAcr, twoFactorAcr], false), {
      values: [twoFactorAcr, passwordAcr],
      essential: false,
    })
    assert.equal(wantedAcr(['phrh', ''], true), null)
    assert.equal(wantedAcr([], false), null)
  })

  it('adds a second factor to the ways that were shown before', () => {
    assert.deepEqual(withSecondFactor(['pwd'], 'code'), { acr: twoFactorAcr, amr: ['pwd', 'otp', 'mfa'] })
    assert.deepEqual(withSecondFactor(['pwd'], 'recovery_code'), { acr: twoFactorAcr, amr: ['pwd', 'mfa'] })
    assert.deepEqual(withSecondFactor(['pwd', 'mfa'], 'code').amr, ['pwd', 'mfa', 'otp'])
  })

  it('finds the ways from one level to another that a person has', () => {
    const both = { code: true, passkey: true }
    const wants = (...values: Parameters<typeof satisfiesAny>[1]) => ({ values, essential: true })
    assert.deepEqual(waysToRaise(passwordAcr, wants(twoFactorAcr), both), both)
    assert.deepEqual(waysToRaise(passwordAcr, wants(phishingResistantAcr), both), { code: false, passkey: true })
    assert.deepEqual(waysToRaise(twoFactorAcr, wants(phishingResistantAcr), both), { code: false, passkey: true })
    assert.equal(waysToRaise(passwordAcr, wants(phishingResistantAcr), { code: true, passkey: false }), null)
    assert.equal(waysToRaise(passwordAcr, wants(twoFactorAcr), { code: false, passkey: false }), null)
  })
})
