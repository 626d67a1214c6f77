"""Passkeys against the assertions that the W3C has published."""

from __future__ import annotations

from authenticator import b64url
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from marque.alliance.passkeys import Assertion, RelyingParty, verify_confirmation
from marque.common import Refusal


def reason(answer):
    assert isinstance(answer, Refusal), f"accepted: {answer}"
    return " ".join([answer.reason, *answer.details.values()])


W3C = RelyingParty("example.org", "W3C", ("https://example.org",))
W3C_HEAD = bytes.fromhex("bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b5")


def p256(x, y):
    numbers = ec.EllipticCurvePublicNumbers(int(x, 16), int(y, 16), ec.SECP256R1())
    return numbers.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def w3c(x, y, challenge, flags, more, signature):
    said = f'{{"type":"webauthn.get","challenge":"{b64url(bytes.fromhex(challenge))}","origin":"https://example.org",{more}}}'
    assertion = Assertion(b"", W3C_HEAD + bytes([flags, 0, 0, 0, 0]), said.encode(), bytes.fromhex(signature))
    return verify_confirmation(assertion, bytes.fromhex(challenge), W3C, p256(x, y))


def test_the_published_assertion_with_a_verified_user_is_accepted():
    """W3C Web Authentication Level 3, 16.1.6, "ES256 Credential with Very Long Credential ID", authentication."""
    answer = w3c(
        "3b8176b7504489cc593046d7988abb7905a742de6ac2cdc748a873c663e90cb1",
        "1436d5edc9a75f23999eef9d5950a5c2455514ee1014084720f841a06b828a11",
        "ef1deba56dce48f674a447ccf63b9599258ce87648e5c396f2ef0ca1da460e3b",
        0x0D,
        '"crossOrigin":false',
        "304502203ecef83fb12a0cae7841055f9f87103a99fd14b424194bbf06c4623d3ee6e3fd022100d2ace346db262b1374a6b70faa51f518a42ddca13a4125ce6f5052a7"
        "5bac9fb6",
    )
    assert (answer.origin, answer.sign_count, answer.backup_eligible) == ("https://example.org", 0, True)


def test_the_published_assertion_without_a_verified_user_is_refused_for_that():
    """Same source, 16.1.1, "ES256 Credential with No Attestation": a good signature, flags UP, BE and BS."""
    answer = w3c(
        "afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61",
        "930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220",
        "39c0e7521417ba54d43e8dc95174f423dee9bf3cd804ff6d65c857c9abf4d408",
        0x19,
        '"crossOrigin":false',
        "3046022100f50a4e2e4409249c4a853ba361282f09841df4dd4547a13a87780218deffcd380221008480ac0f0b93538174f575bf11a1dd5d78c6e486013f937295ea13"
        "653e331e87",
    )
    assert "did not verify the person" in reason(answer)


def test_the_published_assertion_from_inside_a_frame_is_refused_for_that():
    """Same source, 16.1.3, "ES256 Credential with crossOrigin: true": a good signature, and a verified user."""
    extra = (
        '"crossOrigin":true,"extraData":"clientDataJSON may be extended with additional fields in the future, such as this: '
        '92pcTVD0Aby-q4dtmj6efg"'
    )
    answer = w3c(
        "22200a473f90b11078851550d03b4e44a2279f8c4eca27b3153dedfe03e4e97d",
        "cbd0be95e746ad6f5a8191be11756e4c0420e72f65b466d39bc56b8b123a9c6e",
        "876aa517ba83fdee65fcffdbca4c84eeae5d54f8041a1fc85c991e5bbb273137",
        0x05,
        extra,
        "3046022100eb12fcf23b12764c0f122e22371fab92e283879fd798f38ee1841c951b6e40e7022100c76237ff9db77b3c56f30837cda6a09acfa2e915544e609c0733b1"
        "184036d1cf",
    )
    assert "inside a frame" in reason(answer)
