"""What an address tells of its network: whose it is, of which kind, where; and what a crawler's name is worth there.

`pulse geo update` builds one table of what packages of the registries hold (`build`); the streams look addresses up in it
(`finder`), together with files of the operator's own (`own`). docs/network.md is for operators.
"""
