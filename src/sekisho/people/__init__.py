"""People (人) and what they hold: divisions, contractors, persons, places, lines, terminals, keys, sign-in.

Owns who exists, which single role each person has, how a person proves who they are (password, then a
FIDO2 authenticator with user verification), and which terminals and lines are registered.

Must never: let anybody act who is not registered, share an account, sign anyone in without the second
factor, or know anything of contracts and permits.
"""
