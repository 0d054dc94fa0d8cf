"""How a number is shown: four digits, or five in reports, and never an exponent where digits will do."""


def figure(value: float, digits: int = 4) -> str:
    """Return a number as a reader wants it.

    >>> [figure(x) for x in (0.123456, 1234.5, 9999.7, 304889.7, 2e20, float("inf"))]
    ['0.1235', '1234', '10000', '304890', '2e+20', 'inf']
    """
    if 10**digits - 0.5 <= abs(value) < 1e15:  # what is rounded up to it included
        return f"{value:.0f}"
    return f"{value:.{digits}g}"


def signed(value: float, digits: int = 4) -> str:
    """Return a number with its sign.

    >>> [signed(x) for x in (10283.4, -0.5, 0.0)]
    ['+10283', '-0.5', '+0']
    """
    return f"{'' if value < 0 else '+'}{figure(value, digits)}"
